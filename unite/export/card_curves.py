"""The curves of a run as one picture: the loss of each stage, and what validation saw."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from unite.tracking.run_log import StageLog

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LOSS, _VALIDATION_LOSS = "train/loss", "validation/loss"
_OF_A_PAIR = re.compile(r"train/accuracy/(?P<accuracy>.+)|validation/(?P<recall>[^/]+-to-[^/]+)/recall@1")
_GREY = "#6b7280"
#: Points of a curve, and lines of a legend.
_POINTS, _MOST = 50, 14


def has_curves(logs: Sequence[StageLog]) -> bool:
    """Whether there is a loss to draw."""
    return bool(_with_loss(logs))


def curves_png(logs: Sequence[StageLog]) -> bytes | None:
    """Returns the picture as PNG; None where no loss was logged.

    Args:
        logs: of the stages, in their order.
    """
    figure = draw_curves(logs)
    if figure is None:
        return None
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=110, metadata={"Software": None})
    return written.getvalue()


def draw_curves(logs: Sequence[StageLog]) -> Figure | None:
    """Returns a figure of two plots, loss and accuracy by modality pair, over the steps of all stages one after the other."""
    logs = _with_loss(logs)
    if not logs:
        return None
    from matplotlib.figure import Figure  # no pyplot: no global state, and no display needed

    figure = Figure(figsize=(9, 3.4), layout="constrained")
    losses, pairs = figure.subplots(1, 2)
    colours = {pair: f"C{place % 10}" for place, pair in enumerate(sorted({pair for log in logs for pair in map(_pair, log.keys) if pair}))}
    begin = 0
    for number, log in enumerate(logs):
        for key in log.keys:
            curve, is_seen_in_training = _curve(log, key, begin), key.startswith("train/")
            style = {"linewidth": 1.2} if is_seen_in_training else {"linewidth": 1, "linestyle": "--", "marker": "o", "markersize": 2.5}
            if key in (_LOSS, _VALIDATION_LOSS):
                losses.plot(*curve, color=f"C{number}", label=f"{log.name}, {key.partition('/')[0]}", **style)
            elif pair := _pair(key):
                label = pair if is_seen_in_training else f"{pair}, R@1 in validation"
                pairs.plot(curve[0], [100 * value for value in curve[1]], color=colours[pair], label=label, **style)
        begin += max(log.rows, default=0)
        if number < len(logs) - 1:
            for axes in (losses, pairs):
                axes.axvline(begin, color=_GREY, linewidth=0.8, linestyle=":")
    losses.set_title("loss", loc="left", fontsize=10)
    pairs.set_title("accuracy in the batch by pair, percent", loc="left", fontsize=10)
    for axes in (losses, pairs):
        axes.set_xlabel("step", color=_GREY, fontsize=8)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(visible=True, color="#e5e7eb", linewidth=0.6)
        handles, labels = axes.get_legend_handles_labels()
        each = dict(zip(labels, handles, strict=True))
        if each:
            axes.legend(list(each.values())[:_MOST], [label.replace("$", r"\$") for label in each][:_MOST], fontsize=6.5, frameon=False)
    return figure


def _with_loss(logs: Sequence[StageLog]) -> list[StageLog]:
    return [log for log in logs if any(_LOSS in row for row in log.rows.values())]


def _pair(key: str) -> str:
    """Returns the modality pair that a logged accuracy or recall is of, `text-to-image`; "" of anything else."""
    found = _OF_A_PAIR.fullmatch(key)
    return found["accuracy"] or found["recall"] if found else ""


def _curve(log: StageLog, key: str, begin: int) -> tuple[list[float], list[float]]:
    """Returns steps and values, of many their means over as many even stretches as can be told apart."""
    found = np.array([(begin + step, row[key]) for step, row in log.rows.items() if key in row])  # (N, 2)
    parts = np.array_split(found, min(_POINTS, len(found)))
    steps, values = np.array([part.mean(axis=0) for part in parts]).T
    return steps.tolist(), values.tolist()
