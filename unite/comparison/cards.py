"""Failures as cards: the query, the right one, and what came first instead, with their pictures. `cards.html.j2` draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from unite.comparison.charts import mark
from unite.comparison.evaluated_runs import TrainingRecipe
from unite.comparison.suite_comparison import SuiteComparison
from unite.evaluation.failures_file import Failure, TaskFailures
from unite.media.preview import WIDE, Preview

#: Cards of a task over all recipes; each picture is part of the page.
_NUM_CARDS = 6
_NUM_HITS = 4


@dataclass(frozen=True)
class Shown:
    """One content on a card.

    Attributes:
        name: its id.
        label: what is said above it.
        kind: "query", "right" or "wrong".
        preview: of it.
        fits: the text that it is the right answer to, or the right answer's where it is the query; empty where that is no text, or it is
            wrong: what is known of a picture in words.
    """

    name: str
    label: str
    kind: str
    preview: Preview
    fits: str = ""

    def alt(self, modality: str) -> str:
        """Returns what is known of one of its pictures in words."""
        known = f"of {self.fits!r}" if self.fits else f"with the text {self.preview.text!r}" if self.preview.text else ""
        role = {"query": "of the query", "right": "that is right", "wrong": "that is wrong"}[self.kind]
        return f"{modality} {role}, {self.name}" + (f": {modality} {known}" if known else "")


@dataclass(frozen=True)
class Card:
    """One failure.

    Attributes:
        mark, run: whose it is.
        query: its id.
        elsewhere: (run, rank of the right one) of the other recipes.
        asked: the query and the right one.
        hits: what came first.
    """

    mark: str
    run: str
    query: str
    elsewhere: tuple[tuple[str, int], ...]
    asked: tuple[Shown, ...]
    hits: tuple[Shown, ...]


@dataclass(frozen=True)
class FailedTask:
    """The cards of a task, folded up unless `opened`."""

    name: str
    pair: str
    cards: tuple[Card, ...]
    opened: bool = False

    @property
    def has_pictures(self) -> bool:
        """Whether any card has one."""
        return any(shown.preview.pictures for card in self.cards for shown in (*card.asked, *card.hits))


def failed_tasks(suite: SuiteComparison, recipes: Sequence[TrainingRecipe]) -> list[FailedTask]:
    """Returns the worst failures of every task, of each recipe those of its first run; one task is open, at best one with pictures."""
    each = max(1, min(4, _NUM_CARDS // len(recipes)))
    found = []
    for task, known in suite.tasks.items():
        cards = []
        for index, recipe in enumerate(recipes):
            failures = recipe.runs[0].failures.get(suite.name, {}).get(task)
            if failures is not None:
                cards += [_card(failure, failures, suite.name, task, recipes, index) for failure in failures.failures[:each]]
        if cards:
            found.append(FailedTask(task, known.pair, tuple(cards)))
    opened = next((index for index, task in enumerate(found) if task.has_pictures), 0)
    return [replace(task, opened=index == opened) for index, task in enumerate(found)]


def room(modality: str) -> str:
    """Returns how much room the preview of a medium takes: "strip", as several pictures side by side, or "still"."""
    return "strip" if modality in WIDE else "still"


def not_recorded(suite: SuiteComparison, recipes: Sequence[TrainingRecipe]) -> list[str]:
    """Returns the runs that left no failures of the suite."""
    return [recipe.runs[0].name for recipe in recipes if not recipe.runs[0].failures.get(suite.name)]


def _card(failure: Failure, found: TaskFailures, suite: str, task: str, recipes: Sequence[TrainingRecipe], index: int) -> Card:
    right = failure.right[0]
    query, answer = found.queries[failure.query], found.candidates[right]
    asked = (
        Shown(failure.query, "query", "query", query, "" if query.text else answer.text),
        Shown(right, f"right one, rank {failure.rank}", "right", answer, query.text),
    )
    hits = tuple(
        Shown(name, f"{place}. {score:.2f}", "right", found.candidates[name], query.text)
        if name in failure.right
        else Shown(name, f"{place}. {score:.2f}", "wrong", found.candidates[name])
        for place, (name, score) in enumerate(failure.hits[:_NUM_HITS], start=1)
    )
    others = [recipe.runs[0] for place, recipe in enumerate(recipes) if place != index]
    elsewhere = tuple((run.name, min(run.suites[suite].tasks[task].judged[failure.query].ranks)) for run in others)
    return Card(mark(index), recipes[index].runs[0].name, failure.query, elsewhere, asked, hits)
