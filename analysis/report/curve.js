// The learning curve of a trial, with the reference's for comparison.
(() => {
  nas.curve = (trial) => {
    const lines = [[nas.curveOf(trial), "curve"]];
    const reference = nas.referenceOf(trial);
    if (reference && reference !== trial) lines.push([nas.curveOf(reference), "curve other"]);
    const known = lines.filter(([curve]) => curve && curve[0].length);
    if (!known.length) return null;
    const [width, height, left, bottom] = [340, 150, 38, 30];
    const epochs = known.flatMap(([curve]) => curve[0]);
    const values = known.flatMap(([curve]) => curve[1]).filter((value) => value !== null);
    if (!values.length) return null;
    const last = Math.max(...epochs, 2), first = 1;
    const low = Math.min(...values), high = Math.max(...values), pad = 0.06 * (high - low) + 0.002;
    const x = (epoch) => left + ((epoch - first) / (last - first)) * (width - left - 10);
    const y = (value) => height - bottom - ((value - low + pad) / (high - low + 2 * pad)) * (height - bottom - 8);
    const picture = nas.svg("svg", { viewBox: `0 0 ${width} ${height}`, style: "width:100%;max-width:420px", role: "img" });
    picture.append(nas.svg("title", {}, "Validation accuracy by epoch"));
    for (const tick of nas.ticks(low - pad, high + pad, 4)) {
      picture.append(nas.svg("line", { x1: left, x2: width - 10, y1: y(tick), y2: y(tick), class: "grid" }));
      picture.append(nas.text(left - 5, y(tick) + 4, Number((100 * tick).toPrecision(4)), { "text-anchor": "end" }));
    }
    for (const tick of nas.ticks(first, last, 6).filter(Number.isInteger)) {
      picture.append(nas.text(x(tick), height - bottom + 14, tick, { "text-anchor": "middle" }));
    }
    picture.append(nas.text((left + width) / 2, height - 3, "epochs trained; accuracy in %", { "text-anchor": "middle", class: "soft" }));
    for (const [curve, kind] of known.reverse()) {
      const points = curve[0].map((epoch, index) => [epoch, curve[1][index]]).filter((point) => point[1] !== null);
      const path = points.map(([epoch, value], index) => `${index ? "L" : "M"}${x(epoch).toFixed(1)} ${y(value).toFixed(1)}`).join("");
      picture.append(nas.svg("path", { d: path, class: kind }));
      if (points.length === 1) picture.append(nas.svg("circle", { cx: x(points[0][0]), cy: y(points[0][1]), r: 3, class: "point complete" }));
    }
    return picture;
  };
})();
