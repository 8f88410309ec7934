// Parallel coordinates: shares of the sources against scores. The brush is ECharts' own; what it keeps, the page keeps.
const parallel = { axes: null, picked: null };
const scoreKeys = () => suites().map(name => `score:${name}`);
const taskKeys = () => data.tasks.map(task => `metric:${task.key}`);
const shareKeys = () => data.sources.map(name => `share:${name}`);
const differs = key => unique(data.runs.map(run => valueOf(run, key))).length > 1;
const parallelKeys = () => ["fact:mixture", "fact:objective", "fact:seed", ...shareKeys(), ...taskKeys(), ...scoreKeys()];

function firstAxes() {
  const facts = ["fact:objective"].filter(differs);
  const shares = shareKeys().filter(differs).slice(0, 12);
  const tasks = shares.length > 8 ? [] : taskKeys().slice(0, 6);
  const axes = [...facts, ...(shares.length ? shares : ["fact:mixture"].filter(differs)), ...tasks, ...scoreKeys()];
  return axes.length > 1 ? axes : [...shareKeys().slice(0, 12), ...taskKeys().slice(0, 6), ...scoreKeys()];
}
function clearBrush() { state.brushed = null; parallel.drawn = null; }

const parallelView = view("parallel", element => {
  parallel.picked ??= new Set(firstAxes());
  const axes = parallelKeys().filter(key => parallel.picked.has(key));
  drawParallelControls(element);
  const chart = chartIn(element), runs = filteredRuns();
  const narrow = element.clientWidth < 700, needed = axes.length * (narrow ? 64 : 76) + 80;
  element.querySelector(".chart").style.minWidth = `${needed}px`;
  chart.resize();
  if (axes.length < 2 || !runs.length) { chart.clear(); chart.setOption(nothing(runs.length ? "Choose two axes or more." : "No run passes the filters.")); parallel.drawn = null; return; }
  const parallelAxis = axes.map((key, dim) => {
    const values = runs.map(run => valueOf(run, key)), isWord = key.startsWith("fact:");
    const label = labelOf(key).replace(/^share /, "").split(" ");
    return {
      dim, name: label.length > 1 ? `${label.slice(0, -1).join(" ")}\n${label.at(-1)}` : label[0], nameLocation: "end", nameTextStyle: { color: css("--ink"), fontSize: 11, lineHeight: 13, width: narrow ? 60 : 72, overflow: "truncate" },
      ...(isWord ? { type: "category", data: unique(data.runs.map(run => valueOf(run, key))).sort(natural) } : { type: "value", scale: !key.startsWith("share:"), min: key.startsWith("share:") ? 0 : null }),
      axisLine: { lineStyle: { color: css("--soft") } }, axisTick: { lineStyle: { color: css("--soft") } },
      axisLabel: { color: css("--soft"), fontSize: 10, width: 70, overflow: "truncate", formatter: isWord ? null : value => isPercent(key) ? String(Number((100 * value).toFixed(1))) : String(Number(value.toPrecision(3))) },
      areaSelectStyle: { width: 18, borderColor: css("--c0"), color: css("--c0"), opacity: 0.25 },
    };
  });
  const rows = runs.map(run => ({ name: run.name, value: axes.map(key => valueOf(run, key) ?? "-"), lineStyle: { color: look(run).colour, type: look(run).dash } }));
  const same = parallel.drawn === JSON.stringify(axes);
  chart.setOption({
    animation: false, parallel: { left: 40, right: 56, top: 56, bottom: 22 }, parallelAxis, tooltip: { ...tooltipStyle(), formatter: item => tooltip([item.name, ...axes.map((key, place) => `${labelOf(key)}: ${shownValue(runs[item.dataIndex] && valueOf(runs[item.dataIndex], key), key)}`).slice(0, 16)]) },
    series: [{ type: "parallel", lineStyle: { width: runs.length > 60 ? 1.2 : 2, opacity: runs.length > 60 ? 0.6 : 0.85 }, inactiveOpacity: 0.06, activeOpacity: 0.9, emphasis: { lineStyle: { width: 4, opacity: 1 } }, data: rows }],
  }, { notMerge: !same });
  parallel.drawn = JSON.stringify(axes);
  if (!same) state.brushed = null;
  chart.off("axisareaselected"); chart.off("click");
  chart.on("axisareaselected", () => {
    const isBrushed = chart.getModel().queryComponents({ mainType: "parallelAxis" }).some(axis => axis.activeIntervals.length);
    const series = chart.getModel().getSeriesByIndex(0);
    state.brushed = isBrushed ? new Set(series.getRawIndicesByActiveState("active").map(place => filteredRuns()[place]?.name)) : null;
    refresh(parallelView);
  });
  chart.on("click", item => item.componentType === "series" && openRun(item.name));
});

function drawParallelControls(element) {
  const box = element.querySelector(".controls"), isOpen = box.querySelector("details")?.open;
  const pick = key => h("label", { class: "pick" }, h("input", { type: "checkbox", value: key, checked: parallel.picked.has(key), onchange: event => {
    event.target.checked ? parallel.picked.add(key) : parallel.picked.delete(key); clearBrush(); refresh();
  } }), labelOf(key));
  box.replaceChildren(h("details", { open: isOpen }, h("summary", {}, "axes"), h("div", { class: "picks" }, parallelKeys().map(pick))));
}
