"""The comparison as Markdown: the same tables without pictures, for an issue or a README."""

from __future__ import annotations

from collections.abc import Sequence

from unite.comparison.compare import SuiteComparison
from unite.comparison.evaluated_runs import Recipe, differing_settings
from unite.comparison.published import published_beside
from unite.comparison.wording import headline, metric_name, p_value, percent, points, spread, whiskers
from unite.evaluation.terminal_table import short


def render_markdown(recipes: Sequence[Recipe], suites: Sequence[SuiteComparison], notes: Sequence[str]) -> str:
    """Returns the Markdown text of a comparison; the first recipe is the baseline."""
    names = [recipe.name for recipe in recipes]
    blocks = [f"# {headline(suites[0], recipes)}"]
    if notes:
        blocks.append("\n".join(f"- {note}" for note in notes))
    for suite in suites:
        blocks += _suite(suite, names)
    facts = [(run.name, run.facts()) for recipe in recipes for run in recipe.runs]
    blocks += ["## The runs", _table(["run", *facts[0][1]], [[name, *one.values()] for name, one in facts])]
    settings = differing_settings(recipes)
    if settings and len(names) > 1:
        blocks += ["Settings that differ:", _table(["setting", *names], [[f"`{key}`", *values] for key, values in settings.items()])]
    return "\n\n".join(blocks) + "\n"


def _suite(suite: SuiteComparison, names: Sequence[str]) -> list[str]:
    order = [*suite.tasks, *(one for one in suite.cells[names[0]] if one not in suite.tasks)]
    rows = []
    for task in order:
        known = suite.tasks.get(task)
        cells = [f"{percent(cell.value)}{spread(cell)} ({whiskers(cell)})" if (cell := suite.main(name, task)) else "-" for name in names]
        if suite.held_in:
            cells += [percent(cell.value) if (cell := suite.held_in.main(name, task)) else "-" for name in names]
        rows.append([task, short(known.pair) if known else "", metric_name(known.metric if known else suite.mean_metric), *cells])
    inside = [f"{name}, held-in" for name in names] if suite.held_in else []
    blocks = [f"## {suite.name}", "Percent, with 95% intervals.", _table(["task", "pair", "metric", *names, *inside], rows)]
    if len(names) > 1:
        tests = []
        for task in order:
            for name in names[1:]:
                one = suite.differences[name].get(task)
                if one:
                    verdict = {1: "better", -1: "worse", 0: "not told apart"}[one.verdict]
                    low, high = (points(bound) for bound in one.interval)
                    interval = f"{low} to {high}"
                    numbers = [points(one.value), interval, str(one.won), str(one.lost), p_value(one.p), p_value(one.adjusted)]
                    tests.append([task, name, *numbers, verdict])
        head = ["task", "recipe", "points", "95% interval", "won", "lost", "p", "p, Holm", "verdict"]
        blocks += [f"Against {names[0]}, paired by query:", _table(head, tests)]
    for published in published_beside(suite):
        own = [[name, *(_shown(value) for value in values), "this comparison"] for name, values in published.own.items()]
        others = [[model, *(_shown(value) for value in values), source] for model, values, source in published.rows]
        blocks += [
            f"Published on {published.benchmark}. {published.note}".strip(),
            _table(["model", *published.parts, "source"], own + others),
        ]
    return blocks


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines)
