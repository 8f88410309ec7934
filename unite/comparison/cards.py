"""Failures as cards: the query, the right one, and what came first instead, with their pictures."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from unite.comparison.charts import mark
from unite.comparison.compare import SuiteComparison
from unite.comparison.evaluated_runs import Recipe, Run
from unite.evaluation.failures import Failure, Preview, TaskFailures
from unite.evaluation.terminal_table import short

#: Cards of a task over all recipes; each picture is part of the page.
_NUM_CARDS = 6
_NUM_HITS = 4


def failures_of_suite(suite: SuiteComparison, recipes: Sequence[Recipe]) -> str:
    """Returns the worst failures of every task, folded up by task; of each recipe those of its first run."""
    without = [recipe.runs[0].name for recipe in recipes if not recipe.runs[0].failures.get(suite.name)]
    note = f"<p class=note>Not recorded for {escape(', '.join(without))}: evaluate again to see them.</p>" if without else ""
    folds: list[str] = []
    each = max(1, min(4, _NUM_CARDS // len(recipes)))
    for task, known in suite.tasks.items():
        cards = []
        for at, recipe in enumerate(recipes):
            found = recipe.runs[0].failures.get(suite.name, {}).get(task)
            if found is not None:
                others = {failure.query: _other_ranks(failure.query, suite.name, task, recipes, at) for failure in found.failures[:each]}
                cards += [_card(failure, found, recipe, at, others[failure.query]) for failure in found.failures[:each]]
        if cards:
            what = f"{escape(short(known.pair))}, {len(cards)} of the worst"
            summary = f"<summary>{escape(task)} <span>{what}</span></summary>"
            folds.append(f"<details>{summary}<div class=cards>{''.join(cards)}</div></details>")
    opened = next((at for at, fold in enumerate(folds) if "<img" in fold), 0)  # one at once, best one with pictures
    folds[opened : opened + 1] = [fold.replace("<details>", "<details open>", 1) for fold in folds[opened : opened + 1]]
    return note + "".join(folds)


def _card(failure: Failure, found: TaskFailures, recipe: Recipe, at: int, others: str) -> str:
    hits = "".join(
        _content(found.candidates[name], f"{place}. {score:.2f}", "right" if name in failure.right else "wrong", name)
        for place, (name, score) in enumerate(failure.hits[:_NUM_HITS], start=1)
    )
    wanted = _content(found.candidates[failure.right[0]], f"right one, rank {failure.rank}", "right", failure.right[0])
    whose = f"<i class='dot {mark(at)}'></i>{escape(recipe.runs[0].name)}"
    return (
        f"<article><header><b>{whose}</b><span>{escape(failure.query)}{others}</span></header><div class=asked>"
        f"{_content(found.queries[failure.query], 'query', 'query', failure.query)}{wanted}</div><div class=hits>{hits}</div></article>"
    )


def _content(preview: Preview, label: str, kind: str, name: str) -> str:
    pictures = "".join(
        f"<img alt='{escape(modality)}' src='data:image/jpeg;base64,{escape(data)}' class={'strip' if modality == 'video' else 'still'}>"
        for modality, data in preview.pictures
    )
    words = f"<p>{escape(preview.text)}</p>" if preview.text else ""
    asked = f"<p class=instruction>{escape(preview.instruction)}</p>" if preview.instruction and kind == "query" else ""
    return f"<figure class={kind} title='{escape(name)}'><figcaption>{escape(label)}</figcaption>{pictures}{asked}{words}</figure>"


def _other_ranks(query: str, suite: str, task: str, recipes: Sequence[Recipe], at: int) -> str:
    """Returns at which rank the other recipes have the right one."""

    def rank(run: Run) -> int:
        return min(run.suites[suite].tasks[task].judged[query].ranks)

    others = [f"{recipe.runs[0].name} {rank(recipe.runs[0])}" for place, recipe in enumerate(recipes) if place != at]
    return f" &middot; rank elsewhere: {escape(', '.join(others))}" if others else ""
