// The page works without this: typing, filters, paging, verdicts are forms and links. Here: dropping, pasting, keys, hits large, clips in place.
"use strict";

const form = document.getElementById("search");
const viewer = document.getElementById("viewer");
const hits = () => [...document.querySelectorAll(".hit")];

function say(words) { document.getElementById("said").textContent = words; }

function submit() {
  document.body.classList.add("busy");
  form.requestSubmit(form.querySelector(".go"));
}

// --- pictures and clips: each goes to the first part that has none, further ones make parts of their own
function take(files) {
  const media = [...files].filter((file) => /^(image|video)\//.test(file.type) || /\.(mkv|avi|ts|heic|avif)$/i.test(file.name));
  if (!media.length) return say("That is no picture and no clip.");
  const parts = [...form.querySelectorAll(".part")];
  const free = parts.filter((part) => !part.querySelector("[name=upload]").value).map((part) => part.querySelector("[type=file]"));
  let number = parts.length;
  for (const file of media.slice(0, 8)) {
    let input = free.shift();
    if (!input) {
      input = Object.assign(document.createElement("input"), { type: "file", name: `file${number++}`, hidden: true });
      form.append(input);
    }
    const held = new DataTransfer();
    held.items.add(file);
    input.files = held.files;
  }
  submit();
}

const zone = document.querySelector(".dropzone");
let depth = 0;
const hasFiles = (event) => [...event.dataTransfer.types].includes("Files");
addEventListener("dragenter", (event) => { if (hasFiles(event)) { depth += 1; zone.hidden = false; event.preventDefault(); } });
addEventListener("dragleave", () => { depth = Math.max(0, depth - 1); zone.hidden = depth === 0; });
addEventListener("dragover", (event) => { if (hasFiles(event)) event.preventDefault(); });
addEventListener("drop", (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  depth = 0;
  zone.hidden = true;
  take(event.dataTransfer.files);
});
addEventListener("paste", (event) => { if (event.clipboardData.files.length) { event.preventDefault(); take(event.clipboardData.files); } });

form.addEventListener("change", (event) => {
  if (event.target.type === "file" && event.target.files.length) submit();
  const asks = [...form.querySelectorAll("[name=text], [name=like], [name=upload]")].some((one) => one.value.trim());
  if (event.target.name === "modality" && asks) submit();
});
form.addEventListener("submit", () => document.body.classList.add("busy"));
addEventListener("pageshow", () => document.body.classList.remove("busy"));

// --- right and wrong, without leaving the page
document.addEventListener("submit", async (event) => {
  if (!event.target.matches(".label")) return;
  event.preventDefault();
  const button = event.submitter;
  const data = new FormData(event.target, button);
  const answer = await fetch("/label", { method: "POST", body: new URLSearchParams(data), headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer || !answer.ok) {
    const why = answer ? (await answer.json().catch(() => ({}))).error?.message : "the server does not answer";
    return say(`It was not kept: ${why}`), alert(`It was not kept: ${why}`);
  }
  const verdict = data.get("verdict");
  for (const hit of hits().filter((one) => one.dataset.id === data.get("id"))) {
    hit.classList.remove("right", "wrong");
    if (verdict !== "none") hit.classList.add(verdict);
    for (const one of hit.querySelectorAll(".label button")) {
      const isOn = one.dataset.verdict === verdict;
      one.setAttribute("aria-pressed", isOn);
      one.value = isOn ? "none" : one.dataset.verdict;
    }
  }
  return say(verdict === "none" ? "Taken back." : `Kept as ${verdict}.`);
});

// --- a hit, large
let shown = null;
function show(hit) {
  const open = hit.querySelector(".open");
  const stage = viewer.querySelector(".stage");
  const about = viewer.querySelector(".about");
  shown = hit;
  let medium;
  if (open.classList.contains("words")) medium = open.querySelector("q").cloneNode(true);
  else if (open.classList.contains("clip")) medium = Object.assign(document.createElement("video"), { src: open.href, poster: open.querySelector("img")?.src ?? "", controls: true, loop: true, autoplay: true, muted: true });
  else medium = Object.assign(document.createElement("img"), { src: open.href, alt: open.querySelector("img")?.alt ?? "" });
  medium.addEventListener("error", () => medium.replaceWith(Object.assign(document.createElement("p"), { className: "gone", textContent: "It cannot be shown: its file is gone, or cannot be read." })));
  stage.replaceChildren(medium);
  about.replaceChildren(...[...hit.querySelectorAll(".line, .elsewhere, .says, .source, dl")].map((one) => one.cloneNode(true)));
  const source = about.querySelector(".source");
  source.textContent = source.title;
  if (!viewer.open) viewer.showModal();
}
viewer.addEventListener("close", () => { viewer.querySelector(".stage").replaceChildren(); shown?.querySelector(".open").focus(); });
viewer.addEventListener("click", (event) => { if (event.target === viewer) viewer.close(); });
document.addEventListener("click", (event) => {
  const open = event.target.closest(".open");
  if (!open || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  show(open.closest(".hit"));
});

// --- clips play where they are pointed at
const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
function play(open) {
  if (isStill || open.querySelector("video")) return;
  const video = Object.assign(document.createElement("video"), { src: open.href, muted: true, loop: true, autoplay: true, playsInline: true, tabIndex: -1 });
  video.setAttribute("aria-hidden", "true");
  video.addEventListener("error", () => video.remove());
  open.append(video);
}
for (const open of document.querySelectorAll(".open.clip")) {
  for (const on of ["pointerenter", "focus"]) open.addEventListener(on, () => play(open));
  for (const off of ["pointerleave", "blur"]) open.addEventListener(off, () => open.querySelector("video")?.remove());
}

// --- keys
function beside(hit, key) {
  const all = hits();
  const at = all.indexOf(hit);
  if (key === "ArrowLeft" || key === "ArrowRight") return all[at + (key === "ArrowRight" ? 1 : -1)];
  const box = hit.getBoundingClientRect();
  const isAhead = (one) => { const other = one.getBoundingClientRect(); return key === "ArrowDown" ? other.top >= box.bottom : other.bottom <= box.top; };
  const far = (one) => { const other = one.getBoundingClientRect(); return Math.abs(other.top - box.top) + 4 * Math.abs(other.left - box.left); };
  return all.filter(isAhead).sort((a, b) => far(a) - far(b))[0];
}
addEventListener("keydown", (event) => {
  const isTyping = event.target.matches("input:not([type=checkbox]):not([type=file]), select, textarea");
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && !viewer.open && isTyping) return event.target.blur();
  if (isTyping && event.key !== "ArrowDown") return;
  const hit = viewer.open ? shown : document.activeElement.closest(".hit");
  if (event.key === "/" && !viewer.open) {
    event.preventDefault();
    form.querySelector(".text").focus();
    form.querySelector(".text").select();
  } else if (event.key.startsWith("Arrow")) {
    if (event.target.matches("video, select, input[type=number]")) return;
    const next = hit ? beside(hit, event.key) : event.key === "ArrowDown" || event.key === "ArrowRight" ? hits()[0] : null;
    if (!next) return;
    event.preventDefault();
    viewer.open ? show(next) : next.querySelector(".open").focus();
    next.scrollIntoView({ block: "nearest" });
  } else if (event.key === "m" && hit) {
    hit.querySelector(".like").click();
  } else if ((event.key === "r" || event.key === "w") && hit) {
    hit.querySelector(`[data-verdict=${event.key === "r" ? "right" : "wrong"}]`)?.click();
  }
});
