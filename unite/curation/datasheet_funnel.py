"""The funnels of a datasheet as data: of the whole set, a bar a step; of each source, one bar that opens to its own steps.

A source's bar is drawn in shares of what came in, so that a source of a thousand rows is read as well as one of a million beside it. A
step has one colour in all bars; the steps that cost most have a colour of their own, the others share one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: Colours of their own: `.loss0` to `.loss7` in datasheet.css; `.rest` is everything else.
NUM_COLOURS = 8

_Steps = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Step:
    """One step of a funnel.

    Attributes:
        name: in words.
        came, left: rows that went in and that came out.
        kept, lost: of the most rows that any step of the funnel took in, in percent.
        reasons: (why, rows) of those that it left out, most first.
    """

    name: str
    came: int
    left: int
    kept: float
    lost: float
    reasons: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Piece:
    """A piece of a source's bar: its colour, what it is, how many rows, and where it begins and how wide it is in percent."""

    colour: str
    name: str
    rows: int
    start: float
    width: float


@dataclass(frozen=True)
class Source:
    """The bar of a source and its own funnel; `share` is what is left of what came, 0 to 1, None where nothing came."""

    name: str
    came: int
    left: int
    share: float | None
    pieces: tuple[Piece, ...]
    steps: tuple[Step, ...]


def funnel_steps(steps: _Steps) -> tuple[Step, ...]:
    """Returns the steps of a funnel as they are drawn."""
    most = max((step["in"] for step in steps), default=1) or 1
    return tuple(
        Step(
            _words(step["step"]),
            step["in"],
            step["out"],
            100 * step["out"] / most,
            100 * (step["in"] - step["out"]) / most,
            tuple(sorted(step["dropped"].items(), key=lambda item: (-item[1], item[0]))),
        )
        for step in steps
    )


def source_bars(sources: Mapping[str, Mapping[str, Any]], funnel: _Steps) -> tuple[Source, ...]:
    """Returns the sources in the order of the recipes.

    Args:
        sources: name -> `in`, `out` and `funnel`, as in the datasheet.
        funnel: of all sources together, which says what a step costs.
    """
    colours = _colours(funnel)
    return tuple(_source(name, source, colours) for name, source in sources.items())


def colour_legend(funnel: _Steps) -> tuple[tuple[str, str, int], ...]:
    """Returns (colour, what it stands for, rows left out): what was kept, the steps that cost most, and the others together."""
    colours, costs = _colours(funnel), _costs(funnel)
    own = [(colours[name], _words(name), count) for name, count in costs.items() if colours[name] != "rest"]
    rest = sum(count for name, count in costs.items() if colours[name] == "rest")
    return (("kept", "kept", 0), *own, *([("rest", "other steps", rest)] if rest else []))


def _source(name: str, source: Mapping[str, Any], colours: Mapping[str, str]) -> Source:
    came, left = source["in"], source["out"]
    costs = [(colours[step], _words(step), count) for step, count in _costs(source["funnel"]).items()]
    pieces, start = [], 0.0
    for colour, title, count in (("kept", "kept", left), *costs):
        width = 100 * count / came if came else 0.0
        pieces.append(Piece(colour, title, count, start, width))
        start += width
    return Source(name, came, left, left / came if came else None, tuple(pieces), funnel_steps(source["funnel"]))


def _costs(steps: _Steps) -> dict[str, int]:
    """Returns how many rows each step left out, without those that left out none."""
    return {step["step"]: step["in"] - step["out"] for step in steps if step["in"] > step["out"]}


def _colours(funnel: _Steps) -> dict[str, str]:
    costs = _costs(funnel)
    dearest = set(sorted(costs, key=lambda name: (-costs[name], name))[:NUM_COLOURS])
    own = [name for name in costs if name in dearest]  # in the order of the steps
    return {name: f"loss{own.index(name)}" if name in dearest else "rest" for name in costs}


def _words(name: str) -> str:
    return name.replace("_", " ")
