"""Runs compared and written down: one page, and its tables in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from unite.comparison.compare import compare
from unite.comparison.evaluated_runs import group_runs, load_runs
from unite.comparison.markdown import render_markdown
from unite.comparison.page import render_page
from unite.comparison.wording import headline, warnings
from unite.files import write_text


def write_report(folders: Sequence[str], out: Path) -> list[str]:
    """Writes `<out>.html` and `<out>.md`.

    Args:
        folders: each a run's folder or `name=folder`; the first is the baseline.
        out: the path without its suffix.

    Returns:
        What is to be told: who wins in each suite, what may surprise, where the page is.

    Raises:
        UniteError: as `load_runs` and `compare` do.
    """
    recipes, notes = group_runs(load_runs(folders))
    suites = compare(recipes)
    notes = [*notes, *warnings(suites)]
    page, text = Path(f"{out}.html"), Path(f"{out}.md")
    dashboard = out.with_name("dashboard.html")
    write_text(page, render_page(recipes, suites, notes, dashboard.name if dashboard.is_file() else None))
    write_text(text, render_markdown(recipes, suites, notes))
    told = [f"{suite.name}: {headline(suite, recipes)}" for suite in suites] + [f"Note: {note}" for note in notes]
    return [*told, f"The page is {page}, the tables are {text}."]
