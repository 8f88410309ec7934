"""Compares evaluated runs: `python -m unite.report runs/a better=runs/b out=report`.

Each run is a folder, or `name=folder`; the first is the baseline. Writes `<out>.html`, one page that needs nothing else, and `<out>.md`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from unite.entry import shown_errors


def main() -> None:
    """Reads the command line; the heavy half comes after it, so that `--help` and a wrong option answer at once."""
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="python -m unite.report", description=__doc__, formatter_class=plain)
    parser.add_argument("runs", nargs="+", metavar="run", help="a run's folder, or name=folder; out=path says where to write (runs/report)")
    arguments = parser.parse_args().runs
    folders = [argument for argument in arguments if not argument.startswith("out=")]
    if not folders:
        parser.error("give at least one run's folder")
    places = [argument.removeprefix("out=") for argument in arguments if argument.startswith("out=")]
    out = (places[-1] if places else "runs/report").removesuffix(".html")
    if not Path(out).name:
        parser.error(f"out must be a file's path, with or without .html, but is {out!r}")
    write_report(folders, Path(out))


@shown_errors
def write_report(folders: list[str], out: Path) -> None:
    """Compares the runs, writes `<out>.html` and `<out>.md`, and says who wins and where they are."""
    from unite.comparison.compare import compare
    from unite.comparison.evaluated_runs import group_runs, load_runs
    from unite.comparison.markdown import render_markdown
    from unite.comparison.page import render_page
    from unite.comparison.wording import headline, warnings
    from unite.entry import console
    from unite.files import write_text

    recipes, notes = group_runs(load_runs(folders))
    suites = compare(recipes)
    notes = [*notes, *warnings(suites)]
    page, text = Path(f"{out}.html"), Path(f"{out}.md")
    dashboard = out.with_name("dashboard.html")
    write_text(page, render_page(recipes, suites, notes, dashboard.name if dashboard.is_file() else None))
    write_text(text, render_markdown(recipes, suites, notes))
    lines = [*(f"{suite.name}: {headline(suite, recipes)}" for suite in suites), *(f"Note: {note}" for note in notes)]
    for line in (*lines, f"The page is {page}, the tables are {text}."):
        console().print(line, markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
