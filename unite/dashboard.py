"""Shows many runs at a glance: `python -m unite.dashboard runs/stage2_mamcl/sweep_2026-05-01_10-00-00 out=runs/dashboard`.

Runs are given as a sweep's folder, run folders (or `name=folder`), or a folder of such; finished or not. Writes `<out>.html`, one page that
needs no server and no network, and `<out>.wandb.json`, the same as a W&B workspace and report, which `--push` uploads with the runs.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from unite.entry import shown_errors


def main() -> None:
    """Reads the command line; the heavy half comes after it."""
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="python -m unite.dashboard", description=__doc__, formatter_class=plain)
    parser.add_argument("runs", nargs="+", metavar="run", help="a folder, or name=folder; out=path says where to write (runs/dashboard)")
    parser.add_argument("--html", action="store_true", help="write the page alone")
    parser.add_argument("--serve", action="store_true", help="serve the page on this machine, kept up to date, until Ctrl-C")
    parser.add_argument("--port", type=int, default=8765, help="of --serve; 0 takes any that is free")
    parser.add_argument("--push", action="store_true", help="upload runs, workspace and report to W&B")
    parser.add_argument("--project", default="unite", help="of W&B")
    parser.add_argument("--entity", help="of W&B: the user or team; the account's own where it is left out")
    options = parser.parse_intermixed_args()
    folders = [argument for argument in options.runs if not argument.startswith("out=")]
    if not folders:
        parser.error("give at least one run's folder, or a sweep's")
    places = [argument.removeprefix("out=") for argument in options.runs if argument.startswith("out=")]
    make(folders, Path((places[-1] if places else "runs/dashboard").removesuffix(".html")), options)


@shown_errors
def make(folders: list[str], out: Path, options: argparse.Namespace) -> None:
    """Reads the runs, and makes of them what is asked for."""
    from unite.build.dashboard import push, serve, write_page, write_specification
    from unite.comparison.dashboard.gather import Gathering
    from unite.entry import console, say

    gathering = Gathering(folders)
    if options.serve:
        return serve(gathering, options.port, console())
    gathered = gathering.read()
    lines = [f"Note: {note}" for note in gathered.notes] + [write_page(gathered, out)]
    if not options.html:
        lines.append(write_specification(gathered, out, is_asked=options.push))
    if options.push:
        lines += push(out, options.project, options.entity)
    say(*lines)
    return None


if __name__ == "__main__":
    main()
