// Which trials are shown: by state, run and the value of every choice; and which cost is on the axis.
(() => {
  const box = document.getElementById("filters");
  const FEW = 12; // more choices than these are folded away
  const tests = new Map();
  const count = nas.html("span", { class: "count", id: "count" });

  const apply = () => {
    const shown = nas.trials.filter((trial) => [...tests.values()].every((test) => test(trial)));
    count.textContent = `${shown.length} of ${nas.trials.length} trials`;
    nas.show(shown);
  };

  const group = (title, summary, body) => {
    summary.append(title);
    return nas.html("details", { "data-filter": title }, summary, body);
  };

  const byValue = (title, values, read) => {
    const summary = nas.html("summary"), off = new Set();
    const boxes = values.map((value) => {
      const tick = nas.html("input", { type: "checkbox", checked: "" });
      tick.addEventListener("change", () => {
        if (tick.checked) off.delete(value);
        else off.add(value);
        summary.classList.toggle("active", off.size > 0);
        if (off.size) tests.set(title, (trial) => !off.has(read(trial)));
        else tests.delete(title);
        apply();
      });
      return nas.html("label", {}, tick, " ", value === null ? "none (reference)" : String(value));
    });
    return group(title, summary, nas.html("div", { class: "values" }, ...boxes));
  };

  const byRange = (title, low, high, read) => {
    const summary = nas.html("summary");
    const from = nas.html("input", { type: "number", placeholder: low, step: "any", "aria-label": `${title} at least` });
    const to = nas.html("input", { type: "number", placeholder: high, step: "any", "aria-label": `${title} at most` });
    const changed = () => {
      const active = from.value !== "" || to.value !== "";
      summary.classList.toggle("active", active);
      const least = from.value === "" ? -Infinity : Number(from.value), most = to.value === "" ? Infinity : Number(to.value);
      if (active) tests.set(title, (trial) => read(trial) !== null && read(trial) >= least && read(trial) <= most);
      else tests.delete(title);
      apply();
    };
    from.addEventListener("input", changed);
    to.addEventListener("input", changed);
    return group(title, summary, nas.html("div", { class: "range" }, "at least", from, "at most", to));
  };

  const filterOf = (title, read) => {
    const values = [...new Set(nas.trials.map(read))];
    const known = values.filter((value) => value !== null);
    if (values.length < 2) return null;
    if (values.length > 12 && known.every((value) => typeof value === "number")) {
      return byRange(title, Math.min(...known), Math.max(...known), read);
    }
    values.sort((a, b) => (a === null) - (b === null) || (typeof a === "number" ? a - b : String(a).localeCompare(String(b))));
    return byValue(title, values, read);
  };

  nas.startFilters = () => {
    const axis = nas.html("select", { id: "cost", "aria-label": "Cost on the axis" });
    for (const cost of nas.costs) axis.append(nas.html("option", { value: cost }, nas.data.costs[cost]));
    axis.addEventListener("change", () => {
      nas.cost = axis.value;
      nas.show(nas.shown);
      if (nas.selected) nas.select(nas.selected); // its details say whether it is on the front
    });
    const filters = [filterOf("state", (trial) => trial.state)];
    if (nas.several) filters.push(filterOf("run", (trial) => trial.run));
    const choices = Object.keys(nas.data.choices).map((name) => filterOf(name, (trial) => trial.point[name])).filter(Boolean);
    if (choices.length <= FEW) filters.push(...choices);
    else {
      const summary = nas.html("summary", {}, `${choices.length} choices`);
      filters.push(nas.html("details", { class: "many" }, summary, nas.html("div", { class: "group" }, ...choices)));
    }
    const reset = nas.html("button", { type: "button" }, "Reset filters");
    reset.addEventListener("click", () => {
      tests.clear();
      nas.startFilters();
    });
    box.replaceChildren(axis, ...filters.filter(Boolean), reset, count);
    axis.value = nas.cost;
    apply();
  };
})();
