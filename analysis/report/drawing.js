// A network drawn to scale, as the printed figure: height is channels, colour is multiply-adds.
(() => {
  const STOPS = [[255, 243, 196], [245, 176, 65], [213, 94, 0], [110, 31, 0]];
  const STEP = { s: 1, c: 1, r: 0.55, f: 0.7 };
  const kindOf = (block) => block[1]; // stem, cell, reduction, or final classifier

  const colour = (macs, range) => {
    if (!macs) return null;
    const span = Math.log(range[1] / range[0]) || 1;
    const at = Math.min(1, Math.max(0, Math.log(macs / range[0]) / span)) * (STOPS.length - 1);
    const low = Math.min(STOPS.length - 2, Math.floor(at));
    const mixed = STOPS[low].map((value, index) => Math.round(value + (at - low) * (STOPS[low + 1][index] - value)));
    return `rgb(${mixed.join(" ")})`;
  };

  // One scale for networks that are to be compared.
  nas.drawingScale = (networks) => {
    const blocks = networks.flat().filter((block) => kindOf(block) !== "f");
    const macs = blocks.flatMap((block) => block[5].map((branch) => branch[3])).filter((value) => value > 0);
    const low = macs.length ? Math.min(...macs) : 1;
    return {
      widest: Math.max(1, ...blocks.map((block) => block[3])),
      range: [low, Math.max(low * 1.5, ...macs)],
      length: Math.max(1, ...networks.map((one) => one.reduce((sum, block) => sum + STEP[kindOf(block)], 0))),
    };
  };

  const polygon = (points, fill) =>
    nas.svg("polygon", { points: points.map((point) => point.join(",")).join(" "), class: fill ? "strip" : "pool", fill });

  nas.drawing = (network, scale, { cell = 44, height = 120, labels = true } = {}) => {
    const foot = labels ? 40 : 4;
    const width = scale.length * cell + 8;
    const middle = height / 2;
    const tall = height - 14;
    const picture = nas.svg("svg", { viewBox: `0 0 ${width} ${height + foot}`, width, height: height + foot, role: "img" });
    picture.append(nas.svg("title", {}, "The network drawn to scale"));
    let x = 4;
    for (const block of network) {
      const [name, , size, channels, macs, branches, marks] = block;
      const kind = kindOf(block);
      const step = STEP[kind] * cell;
      if (kind === "f") {
        const fill = colour(macs, scale.range);
        picture.append(nas.svg("rect", { x: x + step * 0.25, y: middle - tall * 0.15, width: step * 0.5, height: tall * 0.3, class: "strip", fill }));
      } else if (!branches.length) {
        const half = ((channels / scale.widest) * tall) / 2;
        const left = x + step * 0.15, right = x + step * 0.85;
        picture.append(polygon([[left, middle - half], [right, middle - half * 0.55], [right, middle + half * 0.55], [left, middle + half]], null));
      } else {
        let y = middle - ((channels / scale.widest) * tall) / 2 - (branches.length - 1) * 0.75;
        const left = x + step * 0.06, right = x + step * 0.94, neck = left + (right - left) * 0.34;
        for (const [label, reduce, out, spent] of branches) {
          const high = (out / scale.widest) * tall;
          const waist = reduce ? Math.min(1, reduce / out) : 1;
          const top = y + (high * (1 - waist)) / 2, bottom = y + (high * (1 + waist)) / 2;
          const strip = polygon([[left, top], [neck, top], [neck, y], [right, y], [right, y + high], [neck, y + high], [neck, bottom], [left, bottom]], colour(spent, scale.range));
          strip.append(nas.svg("title", {}, `${name} ${label}: ${reduce ? reduce + " then " : ""}${out} channels, ${nas.short(spent)} MACs`));
          picture.append(strip);
          y += high + 1.5;
        }
      }
      if (labels) {
        const at = { "text-anchor": "middle" };
        if (kind === "r") picture.append(nas.text(x + step / 2, height + 10, size, { ...at, class: "soft", style: "font-size:8.5px" }));
        else {
          picture.append(nas.text(x + step / 2, height + 10, marks ? `${name} ${marks}` : name, { ...at, style: "font-size:10px;font-weight:600" }));
          picture.append(nas.text(x + step / 2, height + 22, channels, { ...at, style: "font-size:9px" }));
          picture.append(nas.text(x + step / 2, height + 34, nas.short(macs), { ...at, class: "soft", style: "font-size:9px" }));
        }
      }
      x += step;
    }
    return picture;
  };
})();
