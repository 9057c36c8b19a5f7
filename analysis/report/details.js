// What is known of the selected trial: figures, drawing beside the reference's, learning curve, choices.
(() => {
  const box = document.getElementById("details");

  const pairs = (entries) => {
    const list = nas.html("dl");
    for (const [name, value] of entries) list.append(nas.html("dt", {}, name), nas.html("dd", {}, String(value)));
    return list;
  };

  const draw = () => {
    const trial = nas.selected;
    if (!trial) {
      box.replaceChildren(nas.html("p", { class: "hint" }, "No trial is selected."));
      return;
    }
    const reference = nas.referenceOf(trial);
    const parts = [nas.html("h3", {}, (trial.reference ? "GoogLeNet, " : "") + trial.label + (trial.front ? " (on the front)" : ""))];
    const figures = [
      ["accuracy", nas.percent(trial.accuracy)],
      ["MACs", trial.macs.toLocaleString("en")],
      ...(trial.params === null ? [] : [["parameters", trial.params.toLocaleString("en")]]),
      ["state", `${trial.state}, ${nas.epochs(trial.epochs)}, ${Number((trial.seconds || 0).toPrecision(3))} s`],
      ["key and seed", `${trial.key}, ${trial.seed}`],
    ];
    if (reference && reference !== trial && trial.accuracy !== null && reference.accuracy !== null) {
      const gain = 100 * (trial.accuracy - reference.accuracy);
      figures.splice(1, 0, ["over GoogLeNet", `${gain > 0 ? "+" : ""}${gain.toFixed(2)} points at ${(trial.macs / reference.macs).toFixed(2)} x its MACs`]);
    }
    parts.push(pairs(figures));
    const network = nas.networkOf(trial);
    const other = reference && reference !== trial ? nas.networkOf(reference) : null;
    if (network) {
      const scale = nas.drawingScale(other ? [network, other] : [network]);
      parts.push(nas.html("h4", {}, "The network, to scale"), nas.html("div", { class: "wide drawing" }, nas.drawing(network, scale)));
      if (other) parts.push(nas.html("h4", {}, "GoogLeNet, on the same scale"), nas.html("div", { class: "wide" }, nas.drawing(other, scale)));
    }
    const curve = nas.curve(trial);
    if (curve) parts.push(nas.html("h4", {}, "Learning curve" + (other ? " (dashed: GoogLeNet)" : "")), curve);
    const choices = Object.entries(trial.point).filter(([, value]) => value !== null);
    if (choices.length) parts.push(nas.html("details", {}, nas.html("summary", {}, `${choices.length} choices`), pairs(choices)));
    box.replaceChildren(...parts);
  };

  nas.startDetails = () => {
    nas.on("select", draw);
    draw();
  };
})();
