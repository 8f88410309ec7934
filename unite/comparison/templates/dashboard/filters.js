// Which runs are shown: by mixture, objective, seed, sweep and status, and by name; and what they are coloured by.
function drawFilters() {
  const bar = document.getElementById("filters");
  const opened = bar.querySelector("details[open]")?.dataset.facet;
  const facets = FACETS.map(name => [name, unique(data.runs.map(run => run[name])).sort(natural)]).filter(([, values]) => values.length > 1);
  const lists = facets.map(([name, values]) => {
    const chosen = state.facets[name];
    const count = value => data.runs.filter(run => run[name] === value).length;
    const pick = value => h("label", { class: "pick" }, h("input", {
      type: "checkbox", value, checked: chosen.has(value),
      onchange: event => { event.target.checked ? chosen.add(value) : chosen.delete(value); drawFilters(); refresh(); },
    }), h("span", {}, value, " ", h("small", {}, count(value))));
    return h("details", { "data-facet": name, open: opened === name },
      h("summary", { class: chosen.size ? "on" : null }, chosen.size ? `${name}: ${[...chosen].join(" | ").slice(0, 40)}` : name), h("div", {}, values.map(pick)));
  });
  const search = h("input", { type: "search", placeholder: "run name", value: state.text, "aria-label": "run name", oninput: event => { state.text = event.target.value; refresh(); } });
  const clear = h("button", { id: "clear", onclick: () => { FACETS.forEach(name => state.facets[name].clear()); state.text = ""; clearBrush(); drawFilters(); refresh(); } }, "show all");
  const by = choice("colour", FACETS.slice(0, 4).map(name => [name, name]), state.colour, value => { state.colour = value; drawFilters(); refresh(); });
  const groups = new Map(data.runs.map(run => [run[state.colour], run]));
  const legend = [...groups].sort(([one], [other]) => natural(one, other)).map(([value, run]) => h("span", {}, dot(run), value));
  const typing = document.activeElement?.type === "search";
  bar.replaceChildren(...lists, search, by, clear, h("div", { class: "legend" }, legend));
  if (typing) bar.querySelector("input[type=search]").focus();
}
// An open list closes when the reader clicks elsewhere.
document.addEventListener("click", event => {
  for (const list of document.querySelectorAll(".filters details[open]")) if (event.target.isConnected && !list.contains(event.target)) list.open = false;
});
