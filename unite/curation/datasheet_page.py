"""The datasheet as one page that needs nothing else: no script, no network, plots in SVG. Light and dark, and it prints."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from typing import Any

from unite.curation.datasheet_funnel import number, render_funnel, render_sources
from unite.types import MEDIA

_TITLES = {
    "query_words": ("Words in a query", "words"),
    "positive_words": ("Words in a positive", "words"),
    "image_megapixels": ("Image size, as it came", "megapixels"),
    "image_aspect": ("Image width over height", "ratio"),
    "video_megapixels": ("Video frame size, as it came", "megapixels"),
    "video_aspect": ("Video width over height", "ratio"),
    "video_seconds": ("Video length", "seconds"),
    "video_frames": ("Frames kept of a video", "frames"),
}
_BY_SOURCE = "Of each source's records: what was kept, and what each step left out. Open a source for its steps and reasons."
#: Sources named in the title.
_NUM_NAMED = 3


def render_page(sheet: Mapping[str, Any]) -> str:
    """Returns the HTML page of a datasheet."""
    totals = sheet["totals"]
    came_in = sheet["funnel"][0]["in"] if sheet["funnel"] else totals["rows"]
    title = _title([recipe["name"] for recipe in sheet["plan"]["recipes"]])
    sections = [
        _section("Funnel", "Rows that went into each step, and why the others left.", render_funnel(sheet["funnel"])),
        _section("Funnel by source", _BY_SOURCE, render_sources(sheet["sources"], sheet["funnel"])) if len(sheet["sources"]) > 1 else "",
        _section("What it holds", "", _folders(sheet["folders"], totals) + _bars(sheet["pairs"], "Modality pairs")),
        _section("Texts and media", "Quantiles: 5 %, median, 95 %.", _plots(sheet["distributions"])),
        _section("Media made ready", "", _media(totals)),
        _section(
            "Duplicates", "Rows left out because the set, or an evaluation task, holds the like.", _counts(sheet["duplicates"], "none")
        ),
        _section("Licences", "", _bars(sheet["licences"], "Rows by licence")),
        _section("How it was made", "", _made(sheet)),
    ]
    style = files("unite.curation").joinpath("datasheet.css").read_text(encoding="utf-8")
    share = f"{totals['rows'] / came_in:.1%}" if came_in else "0 %"
    tiles = [
        ("rows kept", number(totals["rows"])),
        ("of those that came in", share),
        ("shards", number(totals["shards"])),
        ("on disk", _bytes(totals["bytes"])),
    ]
    head = "".join(f"<div class=tile><b>{value}</b><span>{name}</span></div>" for name, value in tiles)
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>Datasheet: {escape(title)}</title><style>{style}</style>"
        f"<main><header><h1>{escape(title)}</h1><p>Datasheet of a curated set</p><div class=tiles>{head}</div></header>"
        f"{''.join(sections)}<footer>Set checksum <code>{sheet['checksum']}</code></footer></main></html>\n"
    )


def _title(names: list[str]) -> str:
    shown = names if len(names) <= _NUM_NAMED + 1 else [*names[:_NUM_NAMED], f"{len(names) - _NUM_NAMED} more"]
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]


def _section(title: str, note: str, body: str) -> str:
    hint = f"<p class=note>{escape(note)}</p>" if note else ""
    return f"<section><h2>{escape(title)}</h2>{hint}{body}</section>"


def _folders(folders: Mapping[str, Mapping[str, Any]], totals: Mapping[str, int]) -> str:
    lines = "".join(
        f"<tr><td><code>{escape(name)}</code><td>{number(one['rows'])}<td>{one['rows'] / totals['rows']:.1%}<td>{number(one['shards'])}"
        f"<td>{_bytes(one['bytes'])}<td><code>{one['checksum'][:12]}</code>"
        for name, one in folders.items()
    )
    more = f"<p class=note>{number(totals['negatives'])} negatives, {number(totals['extra_positives'])} positives beyond the first.</p>"
    return f"<div class=scroll><table><tr><th>folder<th>rows<th>share<th>shards<th>size<th>checksum{lines}</table></div>{more}"


def _bars(counts: Mapping[str, int], title: str) -> str:
    total, most = sum(counts.values()), max(counts.values(), default=1)
    lines = "".join(
        f"<div class=row><span>{escape(name)}</span><svg viewBox='0 0 100 10' preserveAspectRatio=none>"
        f"<rect class=track width=100 height=10 /><rect class=kept width={100 * count / most:.3f} height=10 /></svg>"
        f"<span>{number(count)} <small>{count / total:.1%}</small></span></div>"
        for name, count in counts.items()
    )
    return f"<h3>{escape(title)}</h3><div class=bars>{lines}</div>"


def _plots(distributions: Mapping[str, Mapping[str, Any]]) -> str:
    known = [name for name in _TITLES if name in distributions]
    return "<div class=plots>" + "".join(_histogram(*_TITLES[name], distributions[name]) for name in known) + "</div>"


def _histogram(title: str, unit: str, one: Mapping[str, Any]) -> str:
    """Bars of the bins, the median marked."""
    counts, edges = one["counts"], one["edges"]
    most, width = max(counts) or 1, 240 / len(counts)
    bars = "".join(
        f"<rect class=kept x={at * width + 0.5:.2f} y={80 - 78 * count / most:.2f} "
        f"width={max(width - 1, 0.5):.2f} height={78 * count / most:.2f}>"
        f"<title>{_short(edges[at])} to {_short(edges[at + 1])} {unit}: {number(count)}</title></rect>"
        for at, count in enumerate(counts)
    )
    inside = next((at for at in range(len(counts)) if edges[at] <= one["median"] <= edges[at + 1]), 0)
    middle = (inside + 0.5) * width
    return (
        f"<figure><figcaption><b>{escape(title)}</b><span>{number(one['count'])} values</span></figcaption>"
        f"<svg viewBox='0 0 240 82' preserveAspectRatio=none role=img aria-label='{escape(title)}'>{bars}"
        f"<line class=median x1={middle:.2f} x2={middle:.2f} y1=0 y2=80 /><line class=axis x1=0 x2=240 y1=80.5 y2=80.5 /></svg>"
        f"<div class=ends><span>{_short(one['min'])}</span><span>{_short(one['max'])} {escape(unit)}</span></div>"
        f"<p>{_short(one['p5'])} · <b>{_short(one['median'])}</b> · {_short(one['p95'])}</p></figure>"
    )


def _media(totals: Mapping[str, int]) -> str:
    lines = "".join(
        f"<tr><td>{kind}s<td>{number(totals[f'{kind}s'])}<td>{number(totals[f'{kind}s_resized'])}<td>{_bytes(totals[f'{kind}_bytes_in'])}"
        f"<td>{_bytes(totals[f'{kind}_bytes_stored'])}"
        for kind in map(str, MEDIA)
        if totals.get(f"{kind}s")
    )
    return f"<table><tr><th>medium<th>count<th>resized<th>bytes in<th>stored{lines}</table>" if lines else "<p>It holds no media.</p>"


def _counts(counts: Mapping[str, int], nothing: str) -> str:
    lines = "".join(f"<tr><td>{escape(name)}<td>{number(count)}" for name, count in counts.items())
    return f"<table>{lines}</table>" if lines else f"<p>{nothing}</p>"


def _made(sheet: Mapping[str, Any]) -> str:
    steps = "".join(f"<tr><td>{escape(step['name'])}<td><code>{escape(_settings(step))}</code>" for step in sheet["plan"]["steps"])
    details = "".join(
        f"<details><summary>{title}</summary><pre>{escape(json.dumps(sheet[name], indent=1, ensure_ascii=False))}</pre></details>"
        for name, title in (("plan", "Plan"), ("config", "Config"), ("versions", "Versions"), ("checksums", "Checksums of the shards"))
    )
    seed = f"<p>Seed <code>{sheet['plan']['seed']}</code></p>"
    return f"{seed}<div class=scroll><table class=steps><tr><th>step<th>settings{steps}</table></div>{details}"


def _settings(step: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in step.items() if name not in ("name", "class"))


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def _bytes(value: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
