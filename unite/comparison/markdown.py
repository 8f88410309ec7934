"""The comparison as Markdown: the same tables without pictures, for an issue or a README. `templates/report.md.j2` is the text."""

from __future__ import annotations

from collections.abc import Sequence

from unite.comparison.evaluated_runs import TrainingRecipe
from unite.comparison.published import published_beside
from unite.comparison.searches import find_searches
from unite.comparison.settings import differing_settings
from unite.comparison.suite_comparison import SuiteComparison
from unite.comparison.wording import FILTERS, headline
from unite.templates import markdown_environment


def render_markdown(recipes: Sequence[TrainingRecipe], suites: Sequence[SuiteComparison], notes: Sequence[str]) -> str:
    """Returns the Markdown text of a comparison; the first recipe is the baseline."""
    template = markdown_environment("unite.comparison", FILTERS).get_template("report.md.j2")
    return template.render(
        headline=headline(suites[0], recipes),
        notes=notes,
        recipes=recipes,
        suites=[(suite, published_beside(suite)) for suite in suites],
        settings=differing_settings(recipes),
        searches=find_searches(run.trained for recipe in recipes for run in recipe.runs),
    )
