"""The funnels of a datasheet as HTML: of the whole set, a bar a step; of each source, one bar that opens to its own steps.

A source's bar is drawn in shares of what came in, so that a source of a thousand rows is read as well as one of a million beside it. A
step has one colour in all bars; the steps that cost most have a colour of their own, the others share one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

#: Colours of their own: `.loss0` to `.loss7` in datasheet.css; `.rest` is everything else.
_NUM_COLOURS = 8

_Steps = Sequence[Mapping[str, Any]]


def render_funnel(steps: _Steps) -> str:
    """Returns one bar a step: what came out solid, what was left out light; the reasons below it."""
    most = max((step["in"] for step in steps), default=1) or 1
    rows = []
    for step in steps:
        out, lost = 100 * step["out"] / most, 100 * (step["in"] - step["out"]) / most
        reasons = "".join(
            f"<li><b>{number(count)}</b> {escape(reason)}</li>"
            for reason, count in sorted(step["dropped"].items(), key=lambda item: (-item[1], item[0]))
        )
        bar = (
            f"<svg viewBox='0 0 100 10' preserveAspectRatio=none role=img aria-label='{step['in']} in, {step['out']} out'>"
            f"<rect class=track width=100 height=10 /><rect class=kept width={out:.3f} height=10 />"
            f"<rect class=lost x={out:.3f} width={lost:.3f} height=10 /></svg>"
        )
        change = f"<span class=minus>&minus;{number(step['in'] - step['out'])}</span>" if step["in"] > step["out"] else ""
        rows.append(
            f"<div class=step><div class=name>{escape(_words(step['step']))}</div><div class=bar>{bar}"
            f"{f'<ul>{reasons}</ul>' if reasons else ''}</div><div class=out>{number(step['out'])}{change}</div></div>"
        )
    return f"<div class=funnel>{''.join(rows)}</div>"


def render_sources(sources: Mapping[str, Mapping[str, Any]], funnel: _Steps) -> str:
    """Returns a line a source, in the order of the recipes: a bar of what was kept and of what each step cost, and the numbers.

    Args:
        sources: name -> `in`, `out` and `funnel`, as in the datasheet.
        funnel: of all sources together, which says what a step costs.
    """
    colours, costs = _colours(funnel), _costs(funnel)
    legend = {"kept": ("kept", "")} | {
        colours[name]: (_words(name), number(count)) for name, count in costs.items() if colours[name] != "rest"
    }
    rest = sum(count for name, count in costs.items() if colours[name] == "rest")
    if rest:
        legend["rest"] = ("other steps", number(rest))
    entries = "".join(
        f"<li><svg viewBox='0 0 10 10' aria-hidden=true><rect class={colour} width=10 height=10 /></svg>{escape(name)}"
        f"{f' <small>&minus;{count}</small>' if count else ''}</li>"
        for colour, (name, count) in legend.items()
    )
    lines = "".join(_source(name, source, colours) for name, source in sources.items())
    return f"<ul class=legend>{entries}</ul><div class=sources>{lines}</div>"


def _source(name: str, source: Mapping[str, Any], colours: Mapping[str, str]) -> str:
    came, left = source["in"], source["out"]
    pieces = [("kept", "kept", left), *((colours[step], _words(step), count) for step, count in _costs(source["funnel"]).items())]
    bar, at = "", 0.0
    for colour, title, count in pieces:
        width = 100 * count / came if came else 0.0
        told = f"<title>{escape(title)}: {number(count)} ({width:.1f} %)</title>"
        bar += f"<rect class={colour} x={at:.3f} width={width:.3f} height=10>{told}</rect>"
        at += width
    share = f"{100 * left / came:.1f} %" if came else "no record"
    state = " class=gone" if not left else ""
    return (
        f"<details><summary{state}><span class=name>{escape(name)}</span>"
        f"<svg viewBox='0 0 100 10' preserveAspectRatio=none role=img aria-label='{came} in, {left} out'>"
        f"<rect class=track width=100 height=10 />{bar}</svg>"
        f"<span class=in>{number(came)}</span><span class=out>{number(left)}</span><span class=share>{share}</span></summary>"
        f"{render_funnel(source['funnel'])}</details>"
    )


def _costs(steps: _Steps) -> dict[str, int]:
    """Returns how many rows each step left out, without those that left out none."""
    return {step["step"]: step["in"] - step["out"] for step in steps if step["in"] > step["out"]}


def _colours(funnel: _Steps) -> dict[str, str]:
    costs = _costs(funnel)
    dearest = set(sorted(costs, key=lambda name: (-costs[name], name))[:_NUM_COLOURS])
    own = [name for name in costs if name in dearest]  # in the order of the steps
    return {name: f"loss{own.index(name)}" if name in dearest else "rest" for name in costs}


def _words(name: str) -> str:
    return name.replace("_", " ")


def number(value: float) -> str:
    """Returns a whole number in groups of three digits."""
    return f"{value:,.0f}".replace(",", "\N{THIN SPACE}")
