"""Compares evaluated runs: `python -m unite.report runs/a better=runs/b out=report`.

Each run is a folder, or `name=folder`; a sweep's folder stands for its finished jobs; the first is the baseline.
Writes `<out>.html`, one page that needs nothing else, and `<out>.md`.
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
    compare_runs(folders, Path(out))


@shown_errors
def compare_runs(folders: list[str], out: Path) -> None:
    """Compares the runs, of a sweep its finished jobs, and says who wins and where the page is."""
    from unite.comparison.report import write_report
    from unite.entry import say
    from unite.progress import shown
    from unite.sweeps.record import run_folders

    runs = [str(run) for folder in folders for run in (run_folders(folder) or [Path(folder)])]
    with shown("comparing the runs"):
        lines = write_report(runs, out)
    say(*lines)


if __name__ == "__main__":
    main()
