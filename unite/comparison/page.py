"""The comparison as one page that needs nothing else: no script, no network, pictures inside. Light and dark, narrow, wide, in print.

Here is what the page shows; `templates/report.html.j2` and the files that it includes are the page.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unite.comparison.cards import FailedTask, failed_tasks, not_recorded, room
from unite.comparison.charts import Heatmap, Plot, differences_plot, heatmaps, mark, place, values_plot
from unite.comparison.evaluated_runs import TrainingRecipe
from unite.comparison.published import Published, published_beside
from unite.comparison.searches import find_searches
from unite.comparison.settings import differing_settings, grouped
from unite.comparison.suite_comparison import MEAN, Cell, SuiteComparison
from unite.comparison.wording import FILTERS, headline
from unite.evaluation.pair_names import LETTERS
from unite.templates import html_environment


@dataclass(frozen=True)
class SuiteView:
    """A suite with all that is drawn of it; no differences where there is one recipe alone."""

    comparison: SuiteComparison
    values: Plot
    differences: Plot | None
    heatmaps: list[Heatmap]
    published: list[Published]
    failures: list[FailedTask]
    not_recorded: list[str]


def render_page(
    recipes: Sequence[TrainingRecipe], suites: Sequence[SuiteComparison], notes: Sequence[str], dashboard: str | None = None
) -> str:
    """Returns the HTML page of a comparison; the first recipe is the baseline.

    Args:
        recipes, suites, notes: what is compared.
        dashboard: address of the page of `unite.dashboard`, for a link.
    """
    template = html_environment("unite.comparison", (*FILTERS, mark, place, room, below)).get_template("report.html.j2")
    return template.render(
        headline=headline(suites[0], recipes),
        notes=notes,
        recipes=recipes,
        ranking=_ranking(suites[0], recipes),
        mean=MEAN,
        letters=LETTERS,
        suites=[_view(suite, recipes) for suite in suites],
        settings=grouped(differing_settings(recipes)),
        above=_above([run.folder for recipe in recipes for run in recipe.runs]),
        searches=find_searches(run.trained for recipe in recipes for run in recipe.runs),
        dashboard=dashboard,
    )


def _above(folders: Sequence[Path]) -> str:
    """Returns the folder that all lie in, with a slash at its end; nothing where there is none, or it is the root."""
    shared = os.path.commonpath([folder.resolve().parent for folder in folders])
    return "" if shared == os.path.sep else f"{shared}{os.path.sep}"


def below(folder: Path, above: str) -> str:
    """Returns a folder without the part that all have."""
    return str(folder.resolve()).removeprefix(above)


def _ranking(suite: SuiteComparison, recipes: Sequence[TrainingRecipe]) -> list[tuple[int, TrainingRecipe, Cell]]:
    """Returns the recipes that have a mean, the best first, each with its place on the page."""
    found = [(index, recipe, cell) for index, recipe in enumerate(recipes) if (cell := suite.main(recipe.name, MEAN))]
    return sorted(found, key=lambda entry: -entry[2].value)


def _view(suite: SuiteComparison, recipes: Sequence[TrainingRecipe]) -> SuiteView:
    names = [recipe.name for recipe in recipes]
    return SuiteView(
        comparison=suite,
        values=values_plot(suite, names),
        differences=differences_plot(suite, names) if len(names) > 1 else None,
        heatmaps=heatmaps(suite, names),
        published=published_beside(suite),
        failures=failed_tasks(suite, recipes),
        not_recorded=not_recorded(suite, recipes),
    )
