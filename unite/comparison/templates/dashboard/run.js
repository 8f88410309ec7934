// One run, opened: what differs, its scores, its worst failures, its config.
let failures = null;
async function loadFailures() {
  if (!failures) {
    const inside = document.getElementById("failures");
    failures = inside ? JSON.parse(inside.textContent) : await (await fetch("failures.json")).json();
  }
  return failures;
}
const rowsOf = entries => h("table", {}, entries.map(([key, value]) => h("tr", {}, h("th", { scope: "row" }, h("code", {}, key)), h("td", {}, String(value)))));

function figure(key, label, kind) {
  const content = failures.contents[key] ?? { text: "", instruction: "", pictures: [] };
  return h("figure", { class: kind }, h("figcaption", {}, label),
    content.pictures.map(([modality, jpeg, room]) => h("img", { alt: modality, class: room, src: `data:image/jpeg;base64,${jpeg}` })),
    kind === "query" && content.instruction ? h("p", { class: "instruction" }, content.instruction) : null, content.text ? h("p", {}, content.text) : null);
}
function card(failure) {
  return h("article", {}, h("header", {}, h("b", {}, failure.task), ` · ${failure.query}`),
    h("div", { class: "asked" }, figure(failure.asked, "query", "query"), figure(failure.right, `right one, rank ${failure.rank}`, "right")),
    h("div", { class: "hits" }, failure.hits.map(([key, score, isRight], place) => figure(key, `${place + 1}. ${score.toFixed(2)}`, isRight ? "right" : "wrong"))));
}
async function openRun(name) {
  const place = data.runs.findIndex(run => run.name === name), run = data.runs[place];
  if (!run) return;
  const dialog = document.getElementById("run");
  const found = (await loadFailures()).runs[place] ?? [];
  const tasks = unique(found.map(failure => failure.task));
  const scores = Object.entries(run.scores).map(([suite, value]) => `${suite} score ${(100 * value).toFixed(1)}`).join(", ");
  const settings = Object.entries({ ...data.settings, ...run.settings }).sort(([one], [other]) => natural(one, other));
  dialog.replaceChildren(...[
    h("button", { class: "close", onclick: () => dialog.close(), autofocus: true }, "close"),
    h("h2", { id: "run-name" }, dot(run), run.name),
    h("p", { class: "note" }, [run.mixture, run.objective, `seed ${run.seed}`, run.status, scores].filter(Boolean).join(" · ")),
    h("h3", {}, "What differs"),
    Object.keys(run.settings).length ? rowsOf(Object.entries(run.settings)) : h("p", { class: "note" }, "Its settings are those of all runs here."),
    h("h3", {}, "Worst failures"),
    found.length ? h("div", { id: "failed" }, tasks.map((task, at) => {
      const cards = found.filter(failure => failure.task === task);
      return h("details", { open: at === 0 }, h("summary", {}, `${task} (${cards.length})`), h("div", { class: "cards" }, cards.map(card)));
    })) : h("p", { class: "note" }, run.status === "finished" ? "None are recorded, or there was no room for them." : "It is not evaluated yet."),
    h("details", {}, h("summary", {}, "Config"), rowsOf(settings)),
    h("details", {}, h("summary", {}, "About the run"), rowsOf(Object.entries(run.facts))),
    Object.keys(run.metrics).length ? h("details", {}, h("summary", {}, "Every metric"), rowsOf(Object.entries(run.metrics))) : "",
  ]);
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  history.replaceState(null, "", `#run=${encodeURIComponent(name)}`);
}
document.getElementById("run").addEventListener("close", () => history.replaceState(null, "", location.pathname + location.search));
document.getElementById("run").addEventListener("click", event => { if (event.target.id === "run") event.target.close(); }); // beside it
