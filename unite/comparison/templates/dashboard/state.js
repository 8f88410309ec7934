// What is shown, and what follows from it. The data comes once; filters, brush, sort and colour are the reader's.
let data = JSON.parse(document.getElementById("data").textContent);
const FACETS = ["mixture", "objective", "seed", "sweep", "status"];
const state = {
  facets: Object.fromEntries(FACETS.map(name => [name, new Set()])), // chosen values; none chosen is all
  text: "",
  brushed: null, // the runs that the brush keeps; null where there is none
  colour: ["mixture", "objective", "seed", "sweep"].find(name => new Set(data.runs.map(run => run[name])).size > 1) ?? "mixture",
};

// An element with attributes, properties and children; text is text, never markup.
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter(child => child != null && child !== false));
  return element;
}

const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const unique = values => [...new Set(values)];
const natural = (one, other) => String(one).localeCompare(String(other), undefined, { numeric: true });
const isFiltered = run => FACETS.every(name => !state.facets[name].size || state.facets[name].has(run[name]))
  && (!state.text || run.name.toLowerCase().includes(state.text.toLowerCase()));
const filteredRuns = () => data.runs.filter(isFiltered);
const shownRuns = () => filteredRuns().filter(run => !state.brushed || state.brushed.has(run.name));

// Colours of the values of what the reader colours by, the same on the whole page; beyond seven, lines are dashed.
const COLOURS = 7, DASHES = ["solid", "dashed", "dotted"];
function look(run) {
  const values = unique(data.runs.map(other => other[state.colour])).sort(natural);
  const place = Math.max(0, values.indexOf(run[state.colour]));
  return { colour: css(`--c${place % COLOURS}`), dash: DASHES[Math.floor(place / COLOURS) % DASHES.length] };
}
const dot = run => h("i", { class: `dot ${look(run).dash}`, style: `--c:${look(run).colour}` });

// A metric's name for reading: its suite where there are several.
const suites = () => unique(data.runs.flatMap(run => Object.keys(run.scores)));
const metricName = name => name.replace(/^recall@/, "R@").replace(/^mrr$/, "MRR").replace(/^ndcg/, "nDCG");
function labelOf(key) {
  const [kind, ...rest] = key.split(":"), name = rest.join(":");
  if (kind === "share") return `share ${name}`;
  if (kind === "score") return suites().length > 1 ? `${name} score` : "score";
  if (kind === "metric") {
    const [suite, ...parts] = name.split("/");
    const last = metricName(parts.pop());
    return [suites().length > 1 ? suite : "", ...parts, last].filter(Boolean).join(" ");
  }
  return name || kind;
}
// The value of a run under a key: `share:t2i`, `score:emoji`, `metric:emoji/t2i/recall@1`, `fact:seed`.
function valueOf(run, key) {
  const [kind, ...rest] = key.split(":"), name = rest.join(":");
  if (kind === "share") return run.shares[name] ?? (Object.keys(run.shares).length ? 0 : null);
  if (kind === "score") return run.scores[name] ?? null;
  if (kind === "metric") return run.metrics[name] ?? null;
  return run[name] ?? null;
}
const isPercent = key => /^(share|score):/.test(key) || /(recall|hit|ndcg|mrr|map|wrong_modality)[^/]*(\/[^/]*)?$/.test(key);
const shownValue = (value, key) => value == null ? "-" : typeof value === "string" ? value
  : isPercent(key) ? (100 * value).toFixed(1) : String(Number(value.toPrecision(4)));

// A view is drawn when it is seen, and again when what it shows changed since.
const views = [];
function view(id, draw) {
  const element = document.getElementById(id);
  const made = { element, draw, seen: false, stale: true };
  views.push(made);
  new IntersectionObserver(entries => {
    made.seen = entries.at(-1).isIntersecting;
    if (made.seen && made.stale) drawView(made);
  }, { rootMargin: "200px" }).observe(element);
  return made;
}
function drawView(made) { made.stale = false; made.draw(made.element); made.element.dataset.drawn ??= Math.round(performance.now()); }
function refresh(except) {
  for (const made of views) {
    if (made === except) continue;
    made.stale = true;
    if (made.seen) drawView(made);
  }
  document.getElementById("count").textContent = `${shownRuns().length} of ${data.runs.length} run${data.runs.length === 1 ? "" : "s"}`;
}

// A chart that fits its box, and says so where there is nothing to draw.
const charts = new Map();
function chartIn(element) {
  const box = element.querySelector(".chart");
  if (!charts.has(box)) {
    const chart = echarts.init(box, null, { renderer: "canvas" });
    new ResizeObserver(() => chart.resize()).observe(box);
    charts.set(box, chart);
  }
  return charts.get(box);
}
const axisStyle = () => ({
  axisLine: { lineStyle: { color: css("--soft") } }, axisLabel: { color: css("--soft"), hideOverlap: true }, nameTextStyle: { color: css("--ink") },
  splitLine: { lineStyle: { color: css("--line") } }, axisTick: { lineStyle: { color: css("--soft") } },
});
const tooltip = lines => h("div", {}, lines.map((line, place) => h("div", { style: place ? "" : "font-weight:600" }, line)));
const tooltipStyle = () => ({ backgroundColor: css("--card"), borderColor: css("--line"), textStyle: { color: css("--ink"), fontSize: 12 }, confine: true });
const nothing = text => ({ title: { text, left: "center", top: "middle", textStyle: { color: css("--soft"), fontSize: 14, fontWeight: 400 } } });
// A drop-down list of [value, label], or of {group, options}.
function choice(name, options, value, change) {
  const option = ([key, label]) => h("option", { value: key, selected: key === value }, label);
  const list = options.map(one => Array.isArray(one) ? option(one) : h("optgroup", { label: one.group }, one.options.map(option)));
  return h("label", {}, name, h("select", { "data-name": name, onchange: event => change(event.target.value) }, list));
}
