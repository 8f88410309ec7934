"""The figures of the study of unseen styles, from evaluations on `emoji_unseen` and on `stamps`, one a seed.

    python scripts/unseen_styles.py runs/unseen_styles/sweep_<start>/seed-* runs/evaluate/<on the stamps> ...

Writes results.json, plot.png and the tables of the README in experiments/unseen_styles, between their marks. A difference is paired: the
scenes of `own`, `lines` and `fluent` are the same, query for query; its interval is over the queries, each the mean of the seeds.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from unite.evaluation.intervals import mean_interval

STUDY = Path(__file__).parent.parent / "experiments" / "unseen_styles"
HANDS = ("own", "lines", "fluent", "glyphs")
TASKS = ("t2i", "i2t", "it2i")
#: seed, hand, task -> (Q,) whether the first hit of each query, in the order of their ids, is right.
Right = dict[tuple[int, str, str], NDArray[np.float64]]


def main(folders: list[str]) -> None:
    right: Right = {}
    for seed, folder in enumerate(_with(folders, "emoji_unseen.json")):
        tasks = json.loads((folder / "emoji_unseen.json").read_text())["tasks"]
        for hand, task in product(HANDS, TASKS):
            judged = sorted(tasks[f"{hand}_{task}"]["judged"].items())
            right[seed, hand, task] = np.array([float(min(query["ranks"]) == 1) for _, query in judged])
    results = {
        f"{hand}_{task}": [round(float(values.mean()), 6) for values in _seeds(right, hand, task)] for hand, task in product(HANDS, TASKS)
    }
    stamps = [json.loads((folder / "stamps.json").read_text())["tasks"] for folder in _with(folders, "stamps.json")]
    (STUDY / "results.json").write_text(json.dumps(results | {"stamps": _recall(stamps)}, indent=1) + "\n")
    draw(results).savefig(STUDY / "plot.png", dpi=120)
    page = STUDY / "README.md"
    text = page.read_text()
    for mark, lines in (("figures", table(right)), ("stamps", stamps_table(stamps))):
        pattern = rf"(<!-- {mark} -->\n).*?(<!-- end -->)"
        text = re.sub(pattern, lambda found, lines=lines: found[1] + lines + found[2], text, flags=re.DOTALL)
    page.write_text(text)


def _with(folders: list[str], name: str) -> list[Path]:
    return sorted(Path(folder) for folder in folders if (Path(folder) / name).is_file())


def _seeds(right: Right, hand: str, task: str) -> list[NDArray[np.float64]]:
    return [values for (_, *of), values in sorted(right.items()) if of == [hand, task]]


def table(right: Right) -> str:
    """Returns R@1 by task and hand, mean and deviation over the seeds, and what another hand loses, with its interval."""
    lines = [
        "| R@1, percent | own | lines | fluent | lines less own | fluent less own | glyphs never shown |",
        "|---|---|---|---|---|---|---|",
    ]
    for task in TASKS:
        own = _seeds(right, "own", task)
        cells = [_spread([float(values.mean()) for values in _seeds(right, hand, task)]) for hand in HANDS]
        cells[3:3] = [_paired(np.mean(_seeds(right, hand, task), 0) - np.mean(own, 0)) for hand in ("lines", "fluent")]
        lines.append(f"| `{task}` | {' | '.join(cells)} |")
    num = len({seed for seed, _, _ in right})
    return "\n".join(lines) + f"\n\n{num} seeds; 128 queries, 256 candidates, so that chance is 0.4.\n"


def stamps_table(stamps: list[Any]) -> str:
    """Returns R@1 and R@10 of each task of the stamps, mean and deviation over the seeds, beside chance."""
    lines = ["| percent | candidates | R@1 | R@10 |", "|---|---|---|---|"]
    for task, found in _recall(stamps).items():
        num = stamps[0][task]["num_candidates"]
        lines.append(f"| `{task}` | {num} | {_spread(found['recall@1'])} | {_spread(found['recall@10'])} |")
    return "\n".join(lines) + "\n"


def _recall(stamps: list[Any]) -> dict[str, dict[str, list[float]]]:
    metrics = ("recall@1", "recall@10")
    names = stamps[0] if stamps else ()
    return {task: {metric: [round(seed[task]["metrics"][metric], 6) for seed in stamps] for metric in metrics} for task in names}


def _spread(values: list[float]) -> str:
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{100 * statistics.mean(values):.1f} ± {100 * deviation:.1f}"


def _paired(values: NDArray[np.float64]) -> str:
    low, high = mean_interval(values)
    return f"{100 * values.mean():+.1f} ({100 * low:+.1f} to {100 * high:+.1f})".replace("-", "\N{MINUS SIGN}")


def draw(results: dict[str, list[float]]) -> Figure:
    """Returns a panel a task: R@1 of each seed by hand, and their mean."""
    figure = Figure(figsize=(8, 2.2), layout="constrained")
    panels = figure.subplots(1, len(TASKS), sharey=True)
    for panel, task in zip(panels, TASKS, strict=True):
        for place, hand in enumerate(HANDS):
            values = [100 * value for value in results[f"{hand}_{task}"]]
            panel.plot(values, [place] * len(values), "o", color="#9ca3af", markersize=4)
            panel.plot([statistics.mean(values)], [place], "|", color="#2563eb", markersize=14, mew=2.5)
        panel.set_title(task, fontsize=9)
        panel.grid(axis="x", alpha=0.3)
        panel.set_xlim(0, 100)
        panel.tick_params(labelsize=8)
    panels[0].set_yticks(range(len(HANDS)), HANDS)
    panels[0].set_ylim(len(HANDS) - 0.5, -0.5)
    figure.supxlabel("R@1, percent: each seed, and their mean", fontsize=9)
    return figure


if __name__ == "__main__":
    main(sys.argv[1:])
