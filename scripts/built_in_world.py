"""The figures of the study of the built-in world, from its runs: `python scripts/built_in_world.py runs/stage2_mamcl/*`.

Writes experiments/built_in_world/results.json and the tables in the README beside it, between their marks. One run a seed.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

STUDY = Path(__file__).parent.parent / "experiments" / "built_in_world"
PAIRS = {
    "t2t": "text → text",
    "t2i": "text → image",
    "i2t": "image → text",
    "t2v": "text → video, brief captions",
    "v2t": "video → text, brief captions",
    "t2v_fine": "text → video, dense captions",
    "v2t_fine": "video → text, dense captions",
    "it2t": "text+image → text",
    "it2i": "text+image → image",
    "vt2v": "text+video → video",
    "t2it": "text → text+image",
}
OTHERS = {
    "mean": "**mean over the pairs**",
    "temporal": "temporal: same glyphs, 8 motions (8 candidates)",
    "spatial": "spatial: same glyphs, other places (8 candidates)",
}
CONTROLS = {"without_medium": "medium grey", "without_text": "without text"}


def main(folders: list[str]) -> None:
    runs = {}
    for folder in map(Path, folders):
        seed = yaml.safe_load((folder / "config.yaml").read_text())["seed"]
        if f"seed_{seed}" in runs:
            sys.exit(f"two runs have seed {seed}: give one of each")
        runs[f"seed_{seed}"] = json.loads((folder / "metrics.json").read_text())
    runs = dict(sorted(runs.items()))
    figures = {seed: dict(flat(metrics)) for seed, metrics in runs.items()}
    (STUDY / "results.json").write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")
    page = STUDY / "README.md"
    text = page.read_text()
    for mark, table in (("figures", recalls(figures)), ("controls", controls(figures))):
        text = re.sub(
            rf"(<!-- {mark} -->\n).*?(<!-- end -->)", lambda found, table=table: found[1] + table + found[2], text, flags=re.DOTALL
        )
    page.write_text(text)


def flat(metrics: dict[str, Any], path: str = "") -> Iterator[tuple[str, float]]:
    """Yields what is a number, by its path."""
    for name, value in metrics.items():
        if isinstance(value, dict):
            yield from flat(value, f"{path}{name}/")
        elif isinstance(value, int | float):
            yield f"{path}{name}", round(value, 6)


def recalls(figures: dict[str, dict[str, float]]) -> str:
    seeds = [seed.replace("_", " ") for seed in figures]
    lines = [f"| R@1, percent | {' | '.join(seeds)} | mean ± deviation | held-in |", "|---" * (len(seeds) + 3) + "|"]
    for name, title in (PAIRS | OTHERS).items():
        values = [100 * of[f"emoji/{name}/recall@1"] for of in figures.values()]
        held_in = [100 * of[key] for of in figures.values() if (key := f"emoji_held_in/{name}/recall@1") in of]
        shown = f"{title} (`{name}`)" if name in PAIRS else title
        spread = f"{statistics.mean(values):.1f} ± {statistics.stdev(values) if len(values) > 1 else 0:.1f}"
        lines.append(f"| {shown} | {' | '.join(f'{value:.1f}' for value in values)} | {spread} | {mean(held_in)} |")
    return "\n".join(lines) + "\n"


def controls(figures: dict[str, dict[str, float]]) -> str:
    lines = [f"| R@1, percent, mean of the seeds | as it is | {' | '.join(CONTROLS.values())} |", "|---" * (len(CONTROLS) + 2) + "|"]
    for name in ("it2t", "it2i", "vt2v"):
        keys = [f"emoji/{name}/recall@1", *(f"emoji/diagnostics/recall@1_{control}/{name}" for control in CONTROLS)]
        lines.append(f"| `{name}` | {' | '.join(mean([100 * of[key] for of in figures.values()]) for key in keys)} |")
    return "\n".join(lines) + "\n"


def mean(values: list[float]) -> str:
    return f"{statistics.mean(values):.1f}" if values else ""


if __name__ == "__main__":
    main(sys.argv[1:])
