"""What is shown when a sweep ends: job, what differs, status, score, where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from unite.sweeps.naming import told
from unite.sweeps.record import Status, Sweep


def table(sweep: Sweep, failed: Mapping[str, str]) -> Table:
    """Returns the jobs as a table.

    Args:
        sweep: as it stands.
        failed: folder of a job -> why it failed in this call.
    """
    count = sum(sweep.status(job) is Status.finished for job in sweep.jobs)
    view = Table(
        title=f"{count} of {len(sweep.jobs)} jobs finished",
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    for heading in ("job", "what differs", "status", "score", "where"):
        view.add_column(heading, justify="right" if heading in ("job", "score") else "left", overflow="fold")
    for number, job in enumerate(sweep.jobs):
        status, score = sweep.status(job), sweep.score(job)
        why = f"failed: {failed[job.folder]}" if job.folder in failed and status is not Status.finished else str(status)
        shown = "-" if score is None or status is not Status.finished else f"{score:.4f}"
        style = {Status.finished: "", Status.left: "dim"}.get(status, "red")
        view.add_row(str(number), told(job.differing), why, shown, job.folder, style="red" if job.folder in failed else style)
    return view


def matters_table(matters: Sequence[Mapping[str, Any]]) -> Table:
    """Returns what mattered in a search, the most important option first, see `Search.write`."""
    view = Table(title="What the score depends on", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("option", "importance", "rises with it"):
        view.add_column(heading, justify="left" if heading == "option" else "right", overflow="fold")
    for option in matters:
        rises = "-" if option["rises"] is None else f"{option['rises']:+.2f}"
        view.add_row(option["option"], f"{100 * option['importance']:.0f} %", rises)
    return view
