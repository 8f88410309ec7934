// The runs as a table that sorts by any column.
const table = { key: null, down: true };
const FACT_COLUMNS = ["mixture", "objective", "seed", "sweep", "status"];
function tableKeys() {
  const facts = FACT_COLUMNS.filter(name => name !== "sweep" || unique(data.runs.map(run => run.sweep)).length > 1).filter(name => name !== "status" || data.runs.some(run => run.status !== "finished"));
  return ["fact:name", ...facts.map(name => `fact:${name}`), ...scoreKeys(), ...taskKeys()];
}
function compareBy(key, down) {
  return (one, other) => {
    const [a, b] = [valueOf(one, key), valueOf(other, key)];
    if (a == null || b == null) return (a == null) - (b == null); // what has no value stands last either way
    const order = typeof a === "number" ? a - b : natural(a, b);
    return down ? -order : order;
  };
}
view("runs", element => {
  const keys = tableKeys(), runs = shownRuns();
  if (!keys.includes(table.key)) { table.key = scoreKeys()[0] ?? "fact:name"; table.down = table.key !== "fact:name"; }
  const sorted = [...runs].sort(compareBy(table.key, table.down));
  const bests = Object.fromEntries(keys.filter(key => !key.startsWith("fact:")).map(key => {
    const values = runs.map(run => valueOf(run, key)).filter(value => value != null);
    return [key, { best: Math.max(...values), least: Math.min(...values), several: values.length > 1 && new Set(values).size > 1 }];
  }));
  const heading = key => {
    const isSorted = key === table.key, task = data.tasks.find(one => `metric:${one.key}` === key);
    const sort = () => { table.down = isSorted ? !table.down : !key.startsWith("fact:"); table.key = key; refreshTable(); };
    return h("th", { class: key.startsWith("fact:") ? "left" : null, "aria-sort": isSorted ? (table.down ? "descending" : "ascending") : "none", scope: "col" },
      h("button", { "data-key": key, onclick: sort }, key === "fact:name" ? "run" : labelOf(key)), task ? h("small", {}, task.pair) : null);
  };
  const cell = (run, key) => {
    const value = valueOf(run, key);
    if (key.startsWith("fact:")) return h("td", { class: "left" }, h("span", { class: value === "unfinished" ? "unfinished" : null }, value ?? "-"));
    const { best, least, several } = bests[key];
    const depth = value == null || !several || best === least ? 0 : 0.04 + 0.26 * (value - least) / (best - least);
    return h("td", { class: several && value === best ? "best" : null, style: depth ? `background: rgb(var(--up) / ${depth.toFixed(3)})` : null }, shownValue(value, key));
  };
  const row = run => h("tr", {}, h("th", { scope: "row" }, dot(run), h("button", { onclick: () => openRun(run.name) }, run.name)), keys.slice(1).map(key => cell(run, key)));
  const body = sorted.length ? sorted.map(row) : h("tr", {}, h("td", { class: "empty", colspan: keys.length }, "No run passes the filters."));
  element.querySelector("table").replaceChildren(h("thead", {}, h("tr", {}, keys.map(heading))), h("tbody", {}, body));
});
const refreshTable = () => drawView(views.find(made => made.element.id === "runs"));
