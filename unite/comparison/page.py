"""The comparison as one page that needs nothing else: no script, no network, pictures inside. Light and dark, narrow, wide, in print."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from importlib.resources import files

import numpy as np

from unite.comparison.cards import failures_of_suite
from unite.comparison.charts import differences_plot, heatmap, legend, mark, values_plot
from unite.comparison.compare import MEAN, Difference, SuiteComparison
from unite.comparison.evaluated_runs import Recipe, differing_settings
from unite.comparison.published import Published, published_beside
from unite.comparison.wording import headline, metric_name, p_value, percent, points, spread, tally, told, whiskers
from unite.evaluation.terminal_table import short

_METHOD = (
    "Intervals: 95% percentile bootstrap over the queries; for means each task is resampled by itself. Significance: paired randomisation "
    "test (sign flips) on the queries' own values against the first recipe, two-sided, Holm-corrected over the tasks of a suite; a mean is "
    "one test of its own. Runs that differ in their seed alone are one recipe: a query counts with its mean over the seeds, and ± is the "
    "standard deviation over seeds. The test speaks of other queries, not of other seeds: where a recipe has several, a difference within "
    "two standard errors over them counts as not told apart."
)


def render_page(recipes: Sequence[Recipe], suites: Sequence[SuiteComparison], notes: Sequence[str]) -> str:
    """Returns the HTML page of a comparison; the first recipe is the baseline."""
    names = [recipe.name for recipe in recipes]
    said = "".join(f"<li>{escape(note)}" for note in notes)
    style = files("unite.comparison").joinpath("comparison.css").read_text(encoding="utf-8")
    body = "".join(_suite(suite, recipes) for suite in suites)
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width,initial-scale=1'>"
        f"<title>{escape(headline(suites[0], recipes))}</title><style>{style}</style><main><header>"
        f"<p class=over>{escape(suites[0].name)} &middot; {_count(len(names), 'recipe')}, "
        f"{_count(sum(len(recipe.runs) for recipe in recipes), 'run')}</p><h1>{escape(headline(suites[0], recipes))}</h1></header>"
        f"{f'<ul class=warnings>{said}</ul>' if said else ''}{_board(suites[0], recipes)}{body}{_runs(recipes)}"
        f"<footer>{escape(_METHOD)}</footer></main></html>\n"
    )


def _board(suite: SuiteComparison, recipes: Sequence[Recipe]) -> str:
    """The mean of each recipe, the best first."""
    found = [(cell, at) for at, recipe in enumerate(recipes) if (cell := suite.main(recipe.name, MEAN))]
    lines = []
    for cell, at in sorted(found, key=lambda one: -one[0].value):
        name = recipes[at].name
        difference = suite.differences.get(name, {}).get(MEAN)
        change = (
            f"{_pill(difference)}<span>{escape(tally(suite, name))}</span>"
            if difference
            else "<span>baseline</span>"
            if len(recipes) > 1
            else ""
        )
        seeds = f" &middot; {len(recipes[at].runs)} seeds" if len(recipes[at].runs) > 1 else ""
        low, high = (100 * bound for bound in cell.interval)
        lines.append(
            f"<li class={mark(at).split()[0]}><div class=who><i class='dot {mark(at)}'></i><b>{escape(name)}</b><span>{seeds}</span></div>"
            f"<div class=big>{percent(cell.value)}<small>{spread(cell)}</small></div>"
            f"<div class=bar><i style='width:{100 * cell.value:.2f}%'></i>"
            f"<i class=whisker style='left:{low:.2f}%;width:{high - low:.2f}%'></i></div>"
            f"<div class=change>{change}</div>"
        )
    metric = metric_name(suite.mean_metric)
    note = f"<p class=note>Mean {metric} over the modality pairs, percent; the line is its 95% interval.</p>"
    return f"<section class=board>{note}<ol>{''.join(lines)}</ol></section>" if lines else ""


def _suite(suite: SuiteComparison, recipes: Sequence[Recipe]) -> str:
    names = [recipe.name for recipe in recipes]
    held_in = "<li><i class=tick></i>held-in" if suite.held_in else ""
    chance = "<li><i class=chance></i>chance"
    parts = [
        _section(
            "By task",
            "Whiskers are 95% intervals; the best is named at the right.",
            legend(names, held_in + chance) + values_plot(suite, names),
        )
    ]
    if len(names) > 1:
        note = f"Points above or below {names[0]} on the same queries. Full marks and bold: told apart; hollow: may be chance, or the seed."
        parts.append(_section("Difference from the baseline", note, legend(names) + differences_plot(suite, names)))
    parts.append(
        _section("By modality", "R@1 by what the query and the candidates are made of; T text, I image, V video.", _heatmaps(suite, names))
    )
    parts.append(_section("In numbers", "", _numbers(suite, recipes)))
    parts += [
        _section(f"Published on {one.benchmark}", one.note or "As published, percent; other settings may differ.", _published(one))
        for one in published_beside(suite)
    ]
    failures = failures_of_suite(suite, recipes)
    if failures:
        parts.append(_section("Failures to look at", "Queries whose right answer ranks lowest. Green: the right one.", failures))
    return f"<h2 class=suite>{escape(suite.name)}</h2>{''.join(parts)}"


def _heatmaps(suite: SuiteComparison, names: Sequence[str]) -> str:
    def mean(value: Callable[[str], float]) -> dict[str, float]:
        pairs: dict[str, list[float]] = {}
        for task, known in suite.tasks.items():
            if known.kind == "pair":
                pairs.setdefault(known.pair, []).append(value(task))
        return {pair: float(np.mean(several)) for pair, several in pairs.items()}

    values = {name: mean(lambda task, name=name: suite.cells[name][task][suite.tasks[task].metric].value) for name in names}  # type: ignore[misc]
    changes = {name: {pair: values[name][pair] - values[names[0]][pair] for pair in values[name]} for name in names[1:]}
    most = max([0.05, *(abs(one) for change in changes.values() for one in change.values())])
    shown = [_titled(at, name, heatmap(values[name])) for at, name in enumerate(names)]
    shown += [
        _titled(at, f"{name}, difference", heatmap(change, most, signed=True)) for at, (name, change) in enumerate(changes.items(), start=1)
    ]
    return f"<div class=heats>{''.join(shown)}</div>" if any(values.values()) else "<p>No modality pairs in this suite.</p>"


def _titled(at: int, title: str, body: str) -> str:
    return f"<div><h4><i class='dot {mark(at)}'></i>{escape(title)}</h4>{body}</div>"


def _numbers(suite: SuiteComparison, recipes: Sequence[Recipe]) -> str:
    """The main metric of every task, and folded up the other metrics and the tests."""
    names = [recipe.name for recipe in recipes]
    order = [*suite.tasks, *(one for one in suite.cells[names[0]] if one not in suite.tasks)]
    head = "".join(f"<th>{escape(name)}" for name in names)
    inside = "".join(f"<th>{escape(name)}, held-in" for name in names) if suite.held_in else ""
    lines = ""
    for task in order:
        known = suite.tasks.get(task)
        cells = "".join(_value(suite, name, task, names[0]) for name in names)
        if suite.held_in:
            cells += "".join(f"<td>{percent(cell.value)}" if (cell := suite.held_in.main(name, task)) else "<td>-" for name in names)
        about = f"{short(known.pair)}, {known.num_queries} queries, pool {known.pool_size}" if known else "every task weighs the same"
        metric = metric_name(known.metric if known else suite.mean_metric)
        lines += f"<tr{'' if known else ' class=mean'}><th>{escape(task)}<small>{about}</small><td>{metric}{cells}"
    main = f"<div class=scroll><table><tr><th>task<th>metric{head}{inside}{lines}</table></div>"
    metrics = list(dict.fromkeys(metric for one in suite.tasks.values() for metric in one.metrics))
    every = "".join(_metric(suite, names, order, metric) for metric in metrics)
    folded = f"<details><summary>Every metric</summary>{every}</details>"
    return main + folded + (f"<details><summary>Tests</summary>{_tests(suite, order, names)}</details>" if len(names) > 1 else "")


def _value(suite: SuiteComparison, name: str, task: str, baseline: str) -> str:
    cell = suite.main(name, task)
    if cell is None:
        return "<td>-"
    difference = suite.differences.get(name, {}).get(task) if name != baseline else None
    return f"<td><b>{percent(cell.value)}</b>{spread(cell)} {_pill(difference) if difference else ''}<small>{whiskers(cell)}</small>"


def _metric(suite: SuiteComparison, names: Sequence[str], order: Sequence[str], metric: str) -> str:
    def cell(name: str, task: str) -> str:
        found = suite.cells[name][task].get(metric)
        return f"<td>{percent(found.value)}{spread(found)} <small>{whiskers(found)}</small>" if found else "<td>-"

    rows = [task for task in order if any(metric in suite.cells[name][task] for name in names)]
    lines = "".join(f"<tr><th>{escape(task)}{''.join(cell(name, task) for name in names)}" for task in rows)
    head = "".join(f"<th>{escape(name)}" for name in names)
    return f"<h4>{metric_name(metric)}</h4><div class=scroll><table><tr><th>task{head}{lines}</table></div>"


def _tests(suite: SuiteComparison, order: Sequence[str], names: Sequence[str]) -> str:
    def cells(one: Difference) -> str:
        low, high = (points(bound) for bound in one.interval)
        shown = (f"{low} to {high}", str(one.won), str(one.lost), p_value(one.p), p_value(one.adjusted))
        return f"<td>{_pill(one)}{''.join(f'<td>{escape(value)}' for value in shown)}"

    lines = "".join(
        f"<tr><th>{escape(task)}<td>{escape(name)}{cells(suite.differences[name][task])}"
        for task in order
        for name in names[1:]
        if task in suite.differences[name]
    )
    head = "<tr><th>task<th>recipe<th>points<th>95% interval<th>queries won<th>lost<th>p<th>p, Holm"
    return f"<p class=note>Against {escape(names[0])}.</p><div class=scroll><table>{head}{lines}</table></div>"


def _published(one: Published) -> str:
    head = "".join(f"<th>{escape(part)}" for part in one.parts)

    def row(name: str, values: Sequence[float | None], source: str, kind: str = "") -> str:
        cells = "".join("<td>-" if value is None else f"<td>{value:.1f}" for value in values)
        return f"<tr{kind}><th>{escape(name)}{cells}<td class=source>{escape(source)}"

    own = "".join(row(name, values, "this comparison", " class=mean") for name, values in one.own.items())
    rows = "".join(row(*line) for line in one.rows)
    return f"<div class=scroll><table><tr><th>model{head}<th>source{own}{rows}</table></div>"


def _runs(recipes: Sequence[Recipe]) -> str:
    facts = [(recipe, run, run.facts()) for recipe in recipes for run in recipe.runs]
    keys = list(facts[0][2])
    lines = "".join(
        f"<tr><th><i class='dot {mark(recipes.index(recipe))}'></i>{escape(run.name)}{''.join(f'<td>{escape(one[key])}' for key in keys)}"
        for recipe, run, one in facts
    )
    table = f"<div class=scroll><table class=facts><tr><th>run{''.join(f'<th>{key}' for key in keys)}{lines}</table></div>"
    return _section("The runs", "", table + _settings(differing_settings(recipes), recipes))


def _settings(settings: Mapping[str, Sequence[str]], recipes: Sequence[Recipe]) -> str:
    if len(recipes) < 2:
        return ""
    if not settings:
        return "<p class=note>Their configs do not differ.</p>"
    head = "".join(f"<th>{escape(recipe.name)}" for recipe in recipes)
    lines = "".join(
        f"<tr><th><code>{escape(key)}</code>{''.join(f'<td>{escape(value)}' for value in values)}" for key, values in settings.items()
    )
    return f"<h4>Settings that differ</h4><div class=scroll><table class=facts><tr><th>setting{head}{lines}</table></div>"


def _section(title: str, note: str, body: str) -> str:
    return f"<section><h3>{escape(title)}</h3>{f'<p class=note>{escape(note)}</p>' if note else ''}{body}</section>"


def _pill(one: Difference) -> str:
    kind = {1: "better", -1: "worse", 0: "level"}[one.verdict]
    return f"<span class='pill {kind}' title='{escape(told(one))}'>{points(one.value)}</span>"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
