// Two values of every run against each other.
const scatter = { x: null, y: null };
const SYMBOLS = ["circle", "rect", "triangle", "diamond", "roundRect", "pin"];
function scatterKeys() {
  const others = Object.keys(data.metrics).map(key => `metric:${key}`).filter(key => key.includes("/") && !taskKeys().includes(key));
  const named = keys => keys.map(key => [key, labelOf(key)]);
  return [{ group: "score", options: named(scoreKeys()) }, { group: "tasks", options: named(taskKeys()) }, { group: "shares", options: named(shareKeys()) }, { group: "every metric", options: named(others) }].filter(group => group.options.length);
}
view("scatter", element => {
  const groups = scatterKeys(), keys = groups.flatMap(group => group.options.map(([key]) => key)), chart = chartIn(element);
  const telling = keys.filter(differs); // a value that all runs share tells nothing
  if (!keys.includes(scatter.x)) scatter.x = telling.find(key => taskKeys().includes(key)) ?? telling[0] ?? keys[0];
  if (!keys.includes(scatter.y)) scatter.y = telling.find(key => taskKeys().includes(key) && key !== scatter.x) ?? telling[1] ?? keys.at(-1);
  const set = name => value => { scatter[name] = value; drawView(views.find(made => made.element === element)); };
  element.querySelector(".controls").replaceChildren(choice("across", groups, scatter.x, set("x")), choice("up", groups, scatter.y, set("y")));
  const objectives = unique(data.runs.map(run => run.objective)).sort(natural);
  const points = shownRuns().map(run => ({ run, value: [valueOf(run, scatter.x), valueOf(run, scatter.y)] })).filter(point => point.value.every(value => value != null));
  chart.clear();
  if (!points.length) { chart.setOption(nothing("None of the runs shown has both values.")); return; }
  const axis = (key, name) => ({ type: "value", scale: true, name: labelOf(key), ...axisStyle(), axisLabel: { ...axisStyle().axisLabel, formatter: value => shownValue(value, key) }, ...name });
  chart.setOption({
    animation: false, grid: { left: 56, right: 24, top: 34, bottom: 46 }, tooltip: { ...tooltipStyle(), formatter: item => tooltip([item.name, `${labelOf(scatter.x)}: ${shownValue(item.value[0], scatter.x)}`, `${labelOf(scatter.y)}: ${shownValue(item.value[1], scatter.y)}`]) },
    xAxis: axis(scatter.x, { nameLocation: "middle", nameGap: 26 }), yAxis: axis(scatter.y, { nameTextStyle: { color: css("--ink"), align: "left" } }),
    series: [{ type: "scatter", symbolSize: 12, data: points.map(({ run, value }) => ({ name: run.name, value, symbol: SYMBOLS[objectives.indexOf(run.objective) % SYMBOLS.length], itemStyle: { color: look(run).colour, opacity: 0.85 } })) }],
  });
  chart.off("click");
  chart.on("click", item => openRun(item.name));
});
