// The sortable table of the trials that the filters leave.
(() => {
  const box = document.getElementById("table");
  const FIRST = 200;
  let order = { read: (trial) => trial.accuracy, name: "accuracy", down: true };
  let whole = false;

  const columns = () => {
    const fixed = [
      { name: "trial", read: (trial) => trial.trial },
      { name: "state", read: (trial) => trial.state, text: true },
      { name: "front", read: (trial) => (trial.front ? "front" : trial.reference ? "reference" : ""), text: true },
      { name: "accuracy", read: (trial) => trial.accuracy, show: (value) => nas.percent(value) },
      { name: "MACs", read: (trial) => trial.macs, show: (value) => value.toLocaleString("en") },
      { name: "params", read: (trial) => trial.params, show: (value) => value.toLocaleString("en") },
      { name: "epochs", read: (trial) => trial.epochs },
      { name: "seconds", read: (trial) => trial.seconds },
      { name: "seed", read: (trial) => trial.seed },
    ];
    if (nas.several) fixed.splice(0, 0, { name: "run", read: (trial) => trial.run, text: true });
    for (const name of Object.keys(nas.data.choices)) fixed.push({ name, read: (trial) => trial.point[name] });
    return fixed;
  };

  const compare = (a, b) => {
    const [left, right] = [order.read(a), order.read(b)];
    if (left === right) return a.index - b.index;
    if (left === null || right === null) return left === null ? 1 : -1; // nothing known comes last, either way
    const sign = order.down ? -1 : 1;
    return sign * (typeof left === "number" && typeof right === "number" ? left - right : String(left).localeCompare(String(right)));
  };

  const head = (column) => {
    const button = nas.html("button", { type: "button" }, column.name);
    button.addEventListener("click", () => {
      order = { read: column.read, name: column.name, down: order.name === column.name ? !order.down : !column.text };
      draw();
    });
    const sorted = order.name === column.name ? (order.down ? "descending" : "ascending") : "none";
    return nas.html("th", { "aria-sort": sorted, class: column.text ? "text" : null, scope: "col" }, button);
  };

  const row = (trial, shown) => {
    const cells = shown.map((column) => {
      const value = column.read(trial);
      const text = value === null ? "" : column.show ? column.show(value) : String(value);
      return nas.html("td", { class: column.text ? "text" : null }, text);
    });
    const line = nas.html("tr", { "data-trial": trial.index, tabindex: 0, class: trial === nas.selected ? "selected" : null }, ...cells);
    const choose = () => {
      nas.select(trial);
      document.getElementById("explore").scrollIntoView();
    };
    line.addEventListener("click", choose);
    line.addEventListener("keydown", (event) => event.key === "Enter" && choose());
    return line;
  };

  const draw = () => {
    const shown = columns();
    const trials = [...nas.shown].sort(compare);
    const visible = whole ? trials : trials.slice(0, FIRST);
    const table = nas.html("table", {}, nas.html("thead", {}, nas.html("tr", {}, ...shown.map(head))), nas.html("tbody", {}, ...visible.map((trial) => row(trial, shown))));
    const at = box.querySelector(".scroll");
    const left = at ? at.scrollLeft : 0;
    const frame = nas.html("div", { class: "scroll" }, table);
    box.replaceChildren(frame);
    frame.scrollLeft = left;
    if (visible.length < trials.length) {
      const more = nas.html("button", { type: "button" }, `Show all ${trials.length} trials`);
      more.addEventListener("click", () => {
        whole = true;
        draw();
      });
      box.append(more);
    }
  };

  nas.startTrials = () => {
    draw();
    nas.on("show", draw);
    nas.on("select", () => {
      for (const line of box.querySelectorAll("tbody tr")) line.classList.toggle("selected", nas.selected !== null && line.dataset.trial === String(nas.selected.index));
    });
  };
})();
