"""The figures of an ablation's study, from its sweep.

    python scripts/ablations.py experiments/mamcl_ablation runs/ablation_objectives/sweep_<start>

takes a sweep, or a folder of runs that are called `<arm>_seed-<number>`, and writes results.json, plot.png (R@1 by task and arm) and the
tables of the README in the study's folder, between their marks: those of `unite.report`, and one of pools of several modalities.
`baseline=<arm>` says which arm the others are held against, the first by default. Further folders are evaluations of the runs
(`python -m unite.evaluate checkpoint=<run>`), each of its run's name: what they measured is added.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from unite.comparison.evaluated_runs import group_runs, load_runs
from unite.comparison.report import write_report
from unite.sweeps.record import run_folders

Metrics = Mapping[str, float]


def main(study: Path, sweep: Path, others: list[str]) -> None:
    baseline = next((one.removeprefix("baseline=") for one in others if one.startswith("baseline=")), "")
    evaluations = [Path(one) for one in others if not one.startswith("baseline=")]
    found = run_folders(sweep) or sorted(path.parent for path in sweep.glob("*/finished"))
    runs = sorted(map(str, found), key=lambda run: not re.fullmatch(rf"{baseline}_seed.*", Path(run).name))
    with tempfile.TemporaryDirectory() as name:
        write_report(runs, Path(name) / "report")
        report = (Path(name) / "report.md").read_text()
    title, body = report.split("\n", 1)
    notes, _, tables = body.split("## The runs")[0].strip().partition("## ")
    suite = tables.split()[0]
    measured = {Path(run).name: numbers(Path(run)) for run in runs}
    for folder in evaluations:
        measured[folder.name] |= numbers(folder)
    (study / "results.json").write_text(json.dumps(measured, indent=1, sort_keys=True) + "\n")
    arms = {recipe.name: [measured[run.name] for run in recipe.runs] for recipe in group_runs(load_runs(runs))[0]}
    draw(arms, suite).savefig(study / "plot.png", dpi=120)
    page = study / "README.md"
    text = page.read_text()
    figures = f"**{title.removeprefix('# ')}**\n\n{notes}{tables.partition(chr(10))[2].strip()}\n\n![R@1 of each task by arm](plot.png)\n"
    for mark, table in (("figures", figures), ("mixed", mixed(arms))):
        pattern = rf"(<!-- {mark} -->\n).*?(<!-- end -->)"
        text = re.sub(pattern, lambda found, table=table: found[1] + table + found[2], text, flags=re.DOTALL)
    page.write_text(text)


def numbers(run: Path) -> dict[str, float]:
    """Returns the metrics of a run that are numbers."""
    metrics = json.loads((run / "metrics.json").read_text())
    return {key: round(value, 6) for key, value in metrics.items() if isinstance(value, int | float)}


def mixed(arms: Mapping[str, list[Metrics]]) -> str:
    """Returns R@1 in pools of one modality and of all of them, and the share of hits of a wrong modality, over the tasks of each arm."""
    lines = [
        "| mean of the tasks, percent | R@1, pool of one modality | R@1, pool of all | wrong modality in the first 10 |",
        "|---|---|---|---|",
    ]
    for arm, runs in arms.items():
        cells = [
            spread([mean_of(run, pattern) for run in runs]) for pattern in (r"/recall@1", r"/recall@1_mixed/.+", r"/wrong_modality@10/.+")
        ]
        lines.append(f"| {arm} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def draw(arms: Mapping[str, list[Metrics]], suite: str) -> Figure:
    """Returns a panel for each task: R@1 of each seed, and the mean of each arm."""
    key = re.compile(rf"{re.escape(suite)}/([^/]+)/(?:recall|hit)@1")
    tasks = list(dict.fromkeys(found[1] for runs in arms.values() for run in runs for name in run if (found := key.fullmatch(name))))
    tasks.sort(key=lambda task: task.startswith("mean"))
    figure = Figure(figsize=(1.6 + 1.5 * len(tasks), 1.2 + 0.3 * len(arms)), layout="constrained")
    panels = figure.subplots(1, len(tasks), sharey=True, squeeze=False)[0]
    for panel, task in zip(panels, tasks, strict=True):
        for place, runs in enumerate(arms.values()):
            values = [100 * value for run in runs for name, value in run.items() if (found := key.fullmatch(name)) and found[1] == task]
            panel.plot(values, [place] * len(values), "o", color="#9ca3af", markersize=4)
            panel.plot([statistics.mean(values)] if values else [], [place] if values else [], "|", color="#2563eb", markersize=14, mew=2.5)
        panel.set_title(task, fontsize=9)
        panel.grid(axis="x", alpha=0.3)
        panel.tick_params(labelsize=8)
    panels[0].set_yticks(range(len(arms)), list(arms))
    panels[0].set_ylim(len(arms) - 0.5, -0.5)
    figure.supxlabel("R@1, percent: each seed, and their mean", fontsize=9)
    return figure


def mean_of(run: Metrics, pattern: str) -> float | None:
    """Returns the mean, in percent, over the tasks of what is measured by a key that ends so."""
    found = [value for key, value in run.items() if re.search(pattern + "$", key) and "/mean" not in key]
    return 100 * statistics.mean(found) if found else None


def spread(values: list[float | None]) -> str:
    found = [value for value in values if value is not None]
    if not found:
        return "-"
    return f"{statistics.mean(found):.1f} ± {statistics.stdev(found):.1f}" if len(found) > 1 else f"{found[0]:.1f}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
