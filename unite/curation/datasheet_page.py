"""The datasheet as one page that needs nothing else: no script, no network, plots in SVG. Light and dark, and it prints.

Here is what is computed for it; `templates/datasheet.html.j2` is the page, which asks the sheet itself for the rest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unite.curation.datasheet_examples import is_wide, short_detail, shown_sources
from unite.curation.datasheet_funnel import colour_legend, funnel_steps, source_bars
from unite.curation.datasheet_languages import language_bars, language_legend
from unite.curation.examples import SourceExamples
from unite.media import KINDS
from unite.templates import html_environment

_TITLES = {
    "query_words": ("Words in a query", "words"),
    "positive_words": ("Words in a positive", "words"),
    **{f"{kind.word}_{measure.name}": (measure.title, measure.unit) for kind in KINDS for measure in kind.measures},
}
#: Sources named in the title.
_NUM_NAMED = 3
#: Of a histogram, in the units of its picture.
_WIDTH, _HEIGHT = 240, 78


@dataclass(frozen=True)
class Bin:
    """A bar of a histogram, in the units of its picture, with what it counts."""

    x: float
    width: float
    height: float
    low: float
    high: float
    count: int


@dataclass(frozen=True)
class Histogram:
    """A distribution of the sheet: its title and unit, its bars, where the median is marked, and its quantiles by name."""

    title: str
    unit: str
    bins: tuple[Bin, ...]
    middle: float
    values: Mapping[str, Any]


def render_page(sheet: Mapping[str, Any], examples: Sequence[SourceExamples] = ()) -> str:
    """Returns the HTML page of a datasheet, with rows to look at."""
    filters = (number, num_bytes, quantity, settings, pretty, is_wide, short_detail)
    template = html_environment("unite.curation", filters).get_template("datasheet.html.j2")
    languages = sheet["languages"]
    return template.render(
        sheet=sheet,
        title=_title([recipe["name"] for recipe in sheet["plan"]["recipes"]]),
        came_in=sheet["funnel"][0]["in"] if sheet["funnel"] else sheet["totals"]["rows"],
        media=[kind.word for kind in KINDS if sheet["totals"].get(f"{kind.word}s")],
        funnel=funnel_steps(sheet["funnel"]),
        legend=colour_legend(sheet["funnel"]),
        sources=source_bars(sheet["sources"], sheet["funnel"]),
        examples=shown_sources(sheet["sources"], examples),
        tongues=[
            (title, language_legend(languages, kind), language_bars(languages, kind))
            for title, kind in (("Languages", "languages"), ("Scripts", "scripts"))
        ],
        histograms=[histogram(*_TITLES[name], sheet["distributions"][name]) for name in _TITLES if name in sheet["distributions"]],
    )


def histogram(title: str, unit: str, values: Mapping[str, Any]) -> Histogram:
    """Returns a distribution of the datasheet as it is drawn, the median in the middle of its bin."""
    counts, edges = values["counts"], values["edges"]
    most, width = max(counts) or 1, _WIDTH / len(counts)
    bins = tuple(
        Bin(index * width + 0.5, max(width - 1, 0.5), _HEIGHT * count / most, edges[index], edges[index + 1], count)
        for index, count in enumerate(counts)
    )
    inside = next((index for index, found in enumerate(bins) if found.low <= values["median"] <= found.high), 0)
    return Histogram(title, unit, bins, (inside + 0.5) * width, values)


def number(value: float) -> str:
    """Returns a whole number in groups of three digits."""
    return f"{value:,.0f}".replace(",", "\N{THIN SPACE}")


def num_bytes(value: float) -> str:
    """`1234` as `1.2 kB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def quantity(value: float) -> str:
    """Returns a measured value with three digits, whole numbers and those above 100 without a point."""
    return f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def settings(step: Mapping[str, Any]) -> str:
    """Returns the settings of a step of the plan, `min_words=2, max_words=99`."""
    return ", ".join(f"{name}={value}" for name, value in step.items() if name not in ("name", "class"))


def pretty(value: object) -> str:
    """Returns JSON for reading."""
    return json.dumps(value, indent=1, ensure_ascii=False)


def _title(names: list[str]) -> str:
    shown = names if len(names) <= _NUM_NAMED + 1 else [*names[:_NUM_NAMED], f"{len(names) - _NUM_NAMED} more"]
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]
