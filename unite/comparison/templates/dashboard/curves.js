// What was logged while training, aligned by steps, samples, tokens or hours.
const curves = { key: null, axis: "step", stage: null, log: false, smooth: false };
const AXES = [["step", "steps"], ["samples", "samples"], ["tokens", "tokens"], ["hours", "hours"]];
const stagesOf = () => unique(data.runs.flatMap(run => Object.keys(run.curves)));
const keysOf = stage => unique(data.runs.flatMap(run => (run.curves[stage] ?? []).flatMap(part => Object.keys(part.values))));

function curveGroups(keys) {
  const groups = [["loss and accuracy", /^train\/(loss|accuracy)$/], ["validation", /^validation\/[^/]+$|^validation\/(?!task)[^/]+\/[^/]+$/], ["validation, by task", /^validation\//],
    ["by source", /^train\/source\/.*\/(loss|accuracy)$/], ["by pair", /^train\/(loss|accuracy)\//], ["embeddings", /^health\//], ["other", /./]];
  const left = new Set(keys);
  return groups.map(([group, pattern]) => {
    const options = [...left].filter(key => pattern.test(key)).sort(natural);
    options.forEach(key => left.delete(key));
    return { group, options: options.map(key => [key, key.replace(/^(train|validation)\//, (whole, name) => name === "train" ? "" : "validation ").replace(/^source\//, "")]) };
  }).filter(group => group.options.length);
}
view("curves", element => {
  const stages = stagesOf(), chart = chartIn(element), box = element.querySelector(".controls");
  if (!stages.length) { box.replaceChildren(); chart.clear(); chart.setOption(nothing("No run has a log.")); return; }
  if (!stages.includes(curves.stage)) curves.stage = stages.includes("adaptation") ? "adaptation" : stages[0];
  const keys = keysOf(curves.stage);
  if (!keys.includes(curves.key)) curves.key = keys.includes("train/loss") ? "train/loss" : keys[0];
  const set = name => value => { curves[name] = value; redraw(); };
  const redraw = () => drawView(views.find(made => made.element === element));
  const tick = (name, label) => h("label", {}, h("input", { type: "checkbox", checked: curves[name], onchange: event => set(name)(event.target.checked) }), label);
  box.replaceChildren(choice("value", curveGroups(keys), curves.key, set("key")), choice("over", AXES, curves.axis, set("axis")),
    choice("stage", stages.map(name => [name, name]), curves.stage, set("stage")), tick("smooth", "smooth"), tick("log", "log scale"));
  const series = shownRuns().flatMap(run => {
    const part = (run.curves[curves.stage] ?? []).find(one => curves.key in one.values);
    if (!part) return [];
    const { colour, dash } = look(run), xs = part[curves.axis], ys = part.values[curves.key];
    return [{ type: "line", name: run.name, data: smoothed(xs.map((x, place) => [x, ys[place]]), curves.smooth), showSymbol: xs.length < 3, symbolSize: 5, connectNulls: true, animation: false, triggerLineEvent: true,
      lineStyle: { color: colour, width: 1.4, type: dash, opacity: 0.85 }, itemStyle: { color: colour }, emphasis: { focus: "series", lineStyle: { width: 3 } } }];
  });
  chart.clear();
  if (!series.length) { chart.setOption(nothing("None of the runs shown has this value.")); return; }
  const way = data.directions[curves.key], arrow = way === "lower" ? " (lower is better)" : way === "higher" ? " (higher is better)" : "";
  chart.setOption({
    animation: false, grid: { left: 56, right: 20, top: 34, bottom: 62 }, tooltip: { ...tooltipStyle(), trigger: "item", formatter: item => tooltip([item.seriesName, ...(item.value ? [`${shownValue(item.value[1], "")} at ${shownValue(item.value[0], "")} ${curves.axis === "step" ? "steps" : curves.axis}`] : [])]) },
    xAxis: { type: "value", name: AXES.find(([key]) => key === curves.axis)[1], nameLocation: "middle", nameGap: 24, ...axisStyle(), splitLine: { show: false } },
    yAxis: { type: curves.log ? "log" : "value", scale: true, name: curves.key + arrow, nameTextStyle: { color: css("--ink"), align: "left" }, ...axisStyle(), nameLocation: "end" },
    dataZoom: [{ type: "inside", filterMode: "none" }, { type: "slider", height: 16, bottom: 6, filterMode: "none", borderColor: css("--line"), textStyle: { color: css("--soft") } }], series,
  });
  chart.off("click");
  chart.on("click", item => openRun(item.seriesName));
});
// A mean over neighbours, a tenth of the curve wide.
function smoothed(points, isOn) {
  if (!isOn) return points;
  const half = Math.max(1, Math.round(points.length / 20));
  return points.map(([x], place) => {
    const near = points.slice(Math.max(0, place - half), place + half + 1).map(point => point[1]).filter(y => y != null);
    return [x, near.length ? near.reduce((sum, y) => sum + y, 0) / near.length : null];
  });
}
