"use strict";
// One namespace, filled by the scripts that follow. Texts from the data reach the page by textContent alone.
const nas = {};

(() => {
  const SVG = "http://www.w3.org/2000/svg";

  const filled = (node, attributes, children) => {
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
    }
    node.append(...children);
    return node;
  };
  nas.html = (name, attributes = {}, ...children) => filled(document.createElement(name), attributes, children);
  nas.svg = (name, attributes = {}, ...children) => filled(document.createElementNS(SVG, name), attributes, children);
  nas.text = (x, y, text, attributes = {}) => nas.svg("text", { x, y, ...attributes }, String(text));

  nas.epochs = (count) => (count === 1 ? "1 epoch" : `${count} epochs`);
  nas.short = (value) => {
    for (const [factor, unit] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
      if (Math.abs(value) >= factor * 0.99995) return Number((value / factor).toPrecision(3)) + unit;
    }
    return String(Number(value.toPrecision(3)));
  };
  nas.percent = (value) => (value === null ? "none" : (100 * value).toFixed(2) + "%");

  nas.data = JSON.parse(document.getElementById("data").textContent);
  const columns = nas.data.columns;
  const fronts = Object.fromEntries(Object.entries(nas.data.fronts).map(([cost, front]) => [cost, new Set(front.trials)]));
  nas.several = new Set(columns.run).size > 1;
  nas.trials = columns.trial.map((_, index) => {
    // On the front by the cost that is looked at.
    const trial = { index, point: {}, get front() { return fronts[nas.cost].has(index); } };
    for (const name of Object.keys(columns)) trial[name] = columns[name][index];
    for (const name of Object.keys(nas.data.choices)) trial.point[name] = nas.data.choices[name][index];
    trial.label = (nas.several ? trial.run + " " : "") + "trial " + trial.trial;
    return trial;
  });
  nas.reference = nas.trials.find((trial) => trial.reference) || null;
  nas.referenceOf = (trial) => nas.trials.find((other) => other.reference && other.run === trial.run) || nas.reference;
  nas.curveOf = (trial) => nas.data.curves[trial.run + "/" + trial.trial] || null;
  nas.networkOf = (trial) => nas.data.networks[trial.key] || null;

  // What is chosen, and who is told of a change.
  nas.costs = Object.keys(nas.data.costs);
  nas.cost = nas.costs[0];
  nas.selected = null;
  nas.shown = nas.trials;
  const listeners = { select: [], show: [] };
  nas.on = (event, listener) => listeners[event].push(listener);
  nas.select = (trial) => {
    nas.selected = trial;
    listeners.select.forEach((listener) => listener());
  };
  nas.show = (trials) => {
    nas.shown = trials;
    listeners.show.forEach((listener) => listener());
  };

  // Round numbers between two bounds: 1, 2, 5 steps, and finer ones where those are too few.
  nas.logTicks = (low, high, enough = 4) => {
    for (const digits of [[1], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 5, 7]]) {
      const ticks = [];
      for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
        for (const digit of digits) {
          const tick = digit * 10 ** power;
          if (tick >= low && tick <= high) ticks.push(tick);
        }
      }
      if (ticks.length >= enough) return ticks;
    }
    return nas.ticks(low, high, enough);
  };
  nas.ticks = (low, high, about = 6) => {
    const raw = (high - low) / about || 1;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = power * [1, 2, 5, 10].find((factor) => factor * power >= raw * 0.999);
    const ticks = [];
    for (let at = Math.ceil(low / step); at * step <= high + 1e-9 * step; at++) ticks.push(Number((at * step).toPrecision(10)));
    return ticks;
  };
})();
