// The first picture; then what changes: the reader's colours, and, from a server, the runs.
function drawNotes() { document.getElementById("notes").replaceChildren(...data.notes.map(note => h("li", {}, note))); }
drawNotes();
drawFilters();
refresh();
const asked = new URLSearchParams(location.hash.slice(1)).get("run");
if (asked) addEventListener("DOMContentLoaded", () => openRun(asked)); // the failures come last
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { drawFilters(); refresh(); });

if ("live" in document.body.dataset) {
  const EVERY = 5000;
  let tag = null;
  const ask = async () => {
    const sign = document.getElementById("live");
    try {
      const answer = await fetch("data.json", { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
      if (answer.status === 200) {
        tag = answer.headers.get("ETag");
        data = await answer.json();
        failures = null;
        drawNotes(); drawFilters(); refresh();
      }
      sign.textContent = `live, ${new Date().toLocaleTimeString()}`;
    } catch { sign.textContent = "the server has gone"; }
    setTimeout(ask, EVERY);
  };
  setTimeout(ask, EVERY);
}
