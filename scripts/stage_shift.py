"""How far the retrieval stage moves what the alignment left, from a sweep with `sweep.keep=stages`.

    python scripts/stage_shift.py experiments/alignment_ablation runs/ablation_alignment/sweep_<start>

Both encoders of a run embed the same contents of its suite's tasks. Writes shift.json and the table of the README in the study's folder,
between its marks: linear CKA by modality, and by pair the gap, the alignment and the uniformity before and after, the mean and deviation
of the seeds.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from unite.comparison.evaluated_runs import group_runs, load_runs
from unite.config.schema import WorldConfig
from unite.data.tasks import StoredTask, read_task
from unite.embedding.embedder import Embedder
from unite.embedding.geometry import alignment, linear_cka, modality_gap, uniformity
from unite.runs import RunFolder, read_config
from unite.sweeps.record import run_folders
from unite.worlds.emoji import EmojiWorld

#: The tasks whose queries, texts, and positives are embedded.
TASKS = ("t2i", "t2v_fine")


def main(study: Path, sweep: Path) -> None:
    runs = [Path(run) for run in run_folders(sweep) or []]
    measured = {run.name: shift(run) for run in sorted(runs)}
    (study / "shift.json").write_text(json.dumps(measured, indent=1, sort_keys=True) + "\n")
    arms = {recipe.name: [measured[run.name] for run in recipe.runs] for recipe in group_runs(load_runs(sorted(map(str, runs))))[0]}
    page = study / "README.md"
    shown = re.compile(r"(<!-- shift -->\n).*?(<!-- end -->)", re.DOTALL)
    page.write_text(shown.sub(lambda found: found[1] + table(arms) + found[2], page.read_text()))


def shift(run: Path) -> dict[str, float]:
    """Returns what moved in a run: `cka/text`, `gap/t2i/before`, `gap/t2i/after`, ..."""
    config = read_config(run)
    world = EmojiWorld(WorldConfig(**config["suite"]["world"]))
    world.prepare()
    tasks = {name: read_task(world.folder / config["suite"]["tasks"][name]) for name in TASKS}
    folder = RunFolder(run)
    before, after = (embedded(encoder, tasks) for encoder in (folder.stage_encoder(config["alignment"]["name"]), folder.encoder))
    found: dict[str, float] = {}
    for name, task in tasks.items():
        for side, modality in enumerate((task.query_modality, task.candidate_modality)):
            found[f"cka/{name}/{modality}"] = linear_cka(before[name][side], after[name][side])
        for when, (queries, positives) in (("before", before[name]), ("after", after[name])):
            found[f"gap/{name}/{when}"] = modality_gap(queries, positives)
            found[f"alignment/{name}/{when}"] = alignment(queries, positives)
            found[f"uniformity/{name}/{when}"] = uniformity(torch.cat([queries, positives]))
    return {key: round(value, 4) for key, value in found.items()}


def embedded(encoder: Path, tasks: Mapping[str, StoredTask]) -> dict[str, tuple[Tensor, Tensor]]:
    """Returns the embeddings of each task's queries and of the first right answer of each, (Q, D) both."""
    embed = Embedder(encoder, device="cpu")
    pairs: dict[str, tuple[Tensor, Tensor]] = {}
    for name, task in tasks.items():
        queries = list(task.queries)
        candidates = {row.key: row.query for row in task.candidates}
        rights = [candidates[next(iter(task.relevance[row.key]))] for row in queries]
        pairs[name] = (torch.from_numpy(embed([row.query for row in queries])), torch.from_numpy(embed(rights)))
    return pairs


def table(arms: Mapping[str, list[Mapping[str, Any]]]) -> str:
    """Returns a row for each arm: CKA of texts and media, and what the pairs were before and after."""
    keys = [key for key in next(iter(arms.values()))[0] if key.startswith("cka/")]
    others = [f"{what}/{name}" for name in TASKS for what in ("gap", "alignment", "uniformity")]
    lines = [f"| arm | {' | '.join([*keys, *others])} |", "|---" * (1 + len(keys) + len(others)) + "|"]
    for arm, runs in arms.items():
        cells = [spread([run[key] for run in runs]) for key in keys]
        cells += [" → ".join(spread([run[f"{key}/{when}"] for run in runs]) for when in ("before", "after")) for key in others]
        lines.append(f"| {arm} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def spread(values: list[float]) -> str:
    return f"{statistics.mean(values):.2f} ± {statistics.stdev(values):.2f}" if len(values) > 1 else f"{values[0]:.2f}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
