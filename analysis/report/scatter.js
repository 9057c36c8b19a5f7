// The interactive plot: log cost against accuracy, with the front, the reference and the budget.
(() => {
  const box = document.getElementById("scatter");
  const MARGIN = { left: 46, right: 14, top: 12, bottom: 40 };
  let placed = [];

  const quantile = (sorted, share) => sorted[Math.floor(share * (sorted.length - 1))];
  // As in analysis/plots/accuracy_vs_cost.py: hopeless trials stand at the edge, the reference makes the axis longer.
  const floorOf = (trials) => {
    const sorted = trials.map((trial) => trial.accuracy).sort((a, b) => a - b);
    const quarter = quantile(sorted, 0.25), best = sorted[sorted.length - 1];
    const floor = Math.max(sorted[0], quarter - 2 * Math.max(best - quarter, 0.005));
    const lowest = Math.min(floor, ...trials.filter((trial) => trial.reference).map((trial) => trial.accuracy));
    return Math.max(lowest, floor - 2 * Math.max(best - floor, 0.005));
  };

  const star = (x, y, size) => {
    const points = Array.from({ length: 10 }, (_, index) => {
      const radius = index % 2 ? size * 0.42 : size, angle = (Math.PI * index) / 5 - Math.PI / 2;
      return `${(x + radius * Math.cos(angle)).toFixed(1)},${(y + radius * Math.sin(angle)).toFixed(1)}`;
    });
    return nas.svg("polygon", { points: points.join(" ") });
  };
  const mark = (trial, x, y, below) => {
    if (trial.reference) return star(x, y, 11);
    if (below) return nas.svg("polygon", { points: `${x - 5},${y - 4} ${x + 5},${y - 4} ${x},${y + 5}` });
    return nas.svg("circle", { cx: x.toFixed(1), cy: y.toFixed(1), r: trial.front ? 5.5 : 4.5 });
  };
  const classOf = (trial) =>
    ["point", trial.state, trial.front && "front", trial.reference && "reference", trial === nas.selected && "selected"].filter(Boolean).join(" ");

  const draw = () => {
    const width = Math.max(280, box.clientWidth - 16), height = Math.min(460, Math.max(300, width * 0.62));
    const known = nas.shown.filter((trial) => trial.accuracy !== null && trial[nas.cost] > 0);
    const all = nas.trials.filter((trial) => trial.accuracy !== null && trial[nas.cost] > 0);
    const picture = nas.svg("svg", { viewBox: `0 0 ${width} ${height}`, height, tabindex: 0, role: "application", "aria-label": "Accuracy against cost of all trials; arrow keys go through them" });
    placed = [];
    if (!all.length) picture.append(nas.text(width / 2, height / 2, "no trial has reported an accuracy", { "text-anchor": "middle" }));
    else {
      const limit = nas.data.budget[nas.cost];
      const costs = all.map((trial) => trial[nas.cost]).concat(limit ? [limit] : []);
      const spread = Math.max(1.08, (Math.max(...costs) / Math.min(...costs)) ** 0.05);
      const left = Math.log(Math.min(...costs) / spread), right = Math.log(Math.max(...costs) * spread);
      const floor = floorOf(all), top = Math.max(...all.map((trial) => trial.accuracy)), pad = 0.06 * (top - floor) + 0.001;
      const x = (cost) => MARGIN.left + ((Math.log(cost) - left) / (right - left)) * (width - MARGIN.left - MARGIN.right);
      const y = (value) => height - MARGIN.bottom - ((value - floor + pad) / (top - floor + 2 * pad)) * (height - MARGIN.bottom - MARGIN.top);
      axes(picture, x, y, [Math.exp(left), Math.exp(right)], [floor - pad, top + pad], width, height);
      if (limit) picture.append(nas.svg("line", { x1: x(limit), x2: x(limit), y1: MARGIN.top, y2: height - MARGIN.bottom, class: "budget" }));
      const corners = nas.data.fronts[nas.cost].line; // by rising cost, each the mean over its network's seeds
      if (corners.length) {
        const path = corners.map(([cost, value], index) => (index ? `H${x(cost).toFixed(1)}V${y(value).toFixed(1)}` : `M${x(cost).toFixed(1)} ${y(value).toFixed(1)}`)).join("");
        picture.append(nas.svg("path", { d: path + `H${x(Math.max(limit || 0, corners[corners.length - 1][0])).toFixed(1)}`, class: "stairs" }));
      }
      const order = [...known].sort((a, b) => a.front + 2 * a.reference - (b.front + 2 * b.reference));
      for (const trial of order) {
        const below = trial.accuracy < floor, at = [x(trial[nas.cost]), y(below ? floor : trial.accuracy)];
        const node = mark(trial, at[0], at[1], below);
        node.setAttribute("class", classOf(trial));
        node.dataset.trial = trial.index;
        picture.append(node);
        placed.push({ trial, at, node });
      }
    }
    picture.addEventListener("pointermove", (event) => hover(nearest(event), picture));
    picture.addEventListener("pointerleave", () => hover(null, picture));
    picture.addEventListener("click", (event) => {
      const hit = nearest(event);
      if (hit) nas.select(hit.trial);
    });
    picture.addEventListener("keydown", walk);
    box.replaceChildren(picture, legend());
  };

  const axes = (picture, x, y, costs, values, width, height) => {
    for (const tick of nas.ticks(values[0], values[1], 6)) {
      picture.append(nas.svg("line", { x1: MARGIN.left, x2: width - MARGIN.right, y1: y(tick), y2: y(tick), class: "grid" }));
      picture.append(nas.text(MARGIN.left - 6, y(tick) + 4, Number((100 * tick).toPrecision(5)), { "text-anchor": "end" }));
    }
    for (const tick of nas.logTicks(costs[0], costs[1])) {
      picture.append(nas.svg("line", { x1: x(tick), x2: x(tick), y1: MARGIN.top, y2: height - MARGIN.bottom, class: "grid" }));
      picture.append(nas.text(x(tick), height - MARGIN.bottom + 15, nas.short(tick), { "text-anchor": "middle" }));
    }
    picture.append(nas.svg("path", { d: `M${MARGIN.left} ${MARGIN.top}V${height - MARGIN.bottom}H${width - MARGIN.right}`, class: "axis", fill: "none" }));
    picture.append(nas.text((MARGIN.left + width) / 2, height - 6, nas.data.costs[nas.cost], { "text-anchor": "middle", class: "soft" }));
    picture.append(nas.text(4, MARGIN.top - 1, "%", { class: "soft" }));
  };

  const legend = () => {
    const sample = (node, kind) => {
      node.setAttribute("class", kind);
      return nas.svg("svg", { viewBox: "0 0 26 14", "aria-hidden": "true" }, node);
    };
    const entries = [
      [sample(nas.svg("circle", { cx: 13, cy: 7, r: 4.5 }), "point complete"), "trained to the end"],
      [sample(nas.svg("circle", { cx: 13, cy: 7, r: 4.5 }), "point stopped"), "stopped early or running"],
      [sample(nas.svg("path", { d: "M1 11H13V3H25" }), "stairs"), "Pareto front"],
    ];
    if (nas.reference) entries.push([sample(star(13, 7, 7), "point reference"), "GoogLeNet (reference)"]);
    const limit = nas.data.budget[nas.cost];
    if (limit) entries.push([sample(nas.svg("line", { x1: 13, x2: 13, y1: 0, y2: 14 }), "budget"), "budget " + nas.short(limit)]);
    return nas.html("div", { class: "legend" }, ...entries.map(([picture, text]) => nas.html("span", {}, picture, text)));
  };

  const nearest = (event) => {
    const frame = box.querySelector("svg").getBoundingClientRect();
    const ratio = box.querySelector("svg").viewBox.baseVal.width / frame.width;
    const at = [(event.clientX - frame.left) * ratio, (event.clientY - frame.top) * ratio];
    let best = null, least = 20;
    for (const one of placed) {
      const distance = Math.hypot(one.at[0] - at[0], one.at[1] - at[1]);
      if (distance < least) [best, least] = [one, distance];
    }
    return best;
  };

  const hover = (hit) => {
    let tip = box.querySelector(".tip");
    if (!hit) {
      if (tip) tip.remove();
      return;
    }
    if (tip && tip.dataset.trial === String(hit.trial.index)) return;
    if (tip) tip.remove();
    const { trial, at } = hit;
    tip = nas.html("div", { class: "tip", "data-trial": trial.index });
    tip.append(nas.html("b", {}, `${trial.reference ? "GoogLeNet, " : ""}${trial.label}: ${nas.percent(trial.accuracy)}`));
    tip.append(nas.html("div", {}, `${nas.short(trial.macs)} MACs, ${trial.params === null ? "" : `${nas.short(trial.params)} params, `}${trial.state}, ${nas.epochs(trial.epochs)}`));
    const network = nas.networkOf(trial);
    if (network) {
      const picture = nas.drawing(network, nas.drawingScale([network]), { cell: 20, height: 64, labels: false });
      picture.setAttribute("style", "width:100%;height:70px");
      tip.append(picture);
    }
    const words = Object.entries(trial.point).filter(([, value]) => value !== null).map(([name, value]) => `${name} ${value}`);
    if (words.length) tip.append(nas.html("div", { class: "soft" }, words.slice(0, 8).join(", ") + (words.length > 8 ? ", ..." : "")));
    box.append(tip);
    const room = box.clientWidth - tip.offsetWidth - 8;
    tip.style.left = Math.max(4, Math.min(room, at[0] + 20)) + "px";
    tip.style.top = (at[1] > tip.offsetHeight + 24 ? at[1] - tip.offsetHeight - 6 : at[1] + 24) + "px";
  };

  const walk = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || !placed.length) return;
    event.preventDefault();
    const order = [...placed].sort((a, b) => a.at[0] - b.at[0]);
    const at = order.findIndex((one) => one.trial === nas.selected);
    nas.select(order[(at + step + order.length) % order.length].trial);
  };

  nas.startScatter = () => {
    draw();
    nas.on("show", draw);
    nas.on("select", () => placed.forEach(({ trial, node }) => node.setAttribute("class", classOf(trial))));
    let width = box.clientWidth;
    new ResizeObserver(() => {
      if (box.clientWidth !== width) {
        width = box.clientWidth;
        draw();
      }
    }).observe(box);
  };
})();
