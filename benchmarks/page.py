"""The table and the plot of experiments/performance, made of results.json: `python -m benchmarks.page`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "experiments" / "performance"
RESULTS = FOLDER / "results.json"


@dataclass(frozen=True)
class Goal:
    """A ratio, and what it should reach: at least `value`, or with `at_most` no more than it."""

    key: str
    label: str
    value: float
    at_most: bool = False

    def reached(self, measured: float) -> bool:
        return measured <= self.value if self.at_most else measured >= self.value


GOALS = (
    Goal("loss_speedup_vs_dense", "loss, speed against the dense matrix", 3),
    Goal("step_speedup_vs_two_pass", "step, speed against two padded passes", 2.5),
    Goal("step_speedup_vs_sentence_transformers_at_64", "step, speed against sentence-transformers, batch 64", 3),
    Goal("step_speedup_vs_sentence_transformers_at_256", "the same, batch 256", 3),
    Goal("step_speedup_vs_sentence_transformers_at_1024", "the same, batch 1024", 3),
    Goal("step_speedup_vs_sentence_transformers_at_64_lora", "the same by LoRA, batch 64", 3),
    Goal("step_speedup_vs_sentence_transformers_at_256_lora", "the same by LoRA, batch 256", 3),
    Goal("step_speedup_vs_sentence_transformers_at_1024_lora", "the same by LoRA, batch 1024", 3),
    Goal("encode_speedup_vs_file_order", "encoding, speed against file order", 2),
    Goal("embedding_vs_sorted_batches", "Embedder, speed against sorted batches", 1.2),
    Goal("image_stream_speedup", "image stream, speed against raw files", 5),
    Goal("video_stream_speedup", "video stream, speed against raw files", 7),
    Goal("long_video_speedup", "long video, speed of 48 frames against decoding it all", 5),
    Goal("ranking_time_vs_bare_matmul", "top-k, time against a bare product and top-k", 1.5, at_most=True),
    Goal("ranks_vs_bare_matmul", "ranks, time against a bare product", 1.3, at_most=True),
    Goal("ranks_vs_bare_matmul_5_targets", "ranks of 5 targets, time against a bare product", 1.3, at_most=True),
    Goal("ranks_vs_faiss_flat", "ranks, time against faiss's flat index", 1, at_most=True),
    Goal("ranks_vs_faiss_flat_5_targets", "ranks of 5 targets, time against faiss's flat index", 1, at_most=True),
    Goal("index_exact_query_seconds", "exact search of 100k rows, seconds a query", 0.05, at_most=True),
    Goal("index_query_seconds", "indexed search of 100k rows, seconds a query", 0.02, at_most=True),
    Goal("index_build_vs_faiss", "building an index, time against faiss's", 1, at_most=True),
    Goal("step_memory_1024_vs_64", "step, memory at batch 1024 against 64", 1.2, at_most=True),
    Goal("loss_memory_vs_dense", "loss, memory against the dense matrix", 0.25, at_most=True),
    Goal("ranks_memory_vs_gather", "eight ranks, memory against gathering the pool", 0.25, at_most=True),
    Goal("padded_share", "padded share of the tokens", 0.05, at_most=True),
    Goal("padded_share_at_32_at_most", "the same in the worst of 60 batches of 32", 0.03, at_most=True),
    Goal("curate_text_vs_plain", "curating text pairs, time against a plain loop", 3, at_most=True),
    Goal("logging_overhead", "logging, share of a step's processor time", 0.03, at_most=True),
    Goal("sweep_vs_single_runs", "sweep of 8 jobs, wall time against single runs", 0.75, at_most=True),
    Goal("api_vs_one_by_one", "API under load, requests a second against one by one", 1.5),
    Goal("startup_help_seconds", "--help, seconds of user time", 1, at_most=True),
    Goal("startup_config_error_seconds", "a config error, seconds of user time", 1, at_most=True),
    Goal("startup_path_error_seconds", "an error of paths, seconds of user time", 2, at_most=True),
    Goal("startup_init_from_error_seconds", "an error of init_from, seconds of user time", 2, at_most=True),
    Goal("loss_max_relative_error", "loss, largest relative error", 1e-5, at_most=True),
    Goal("ranks_memory_max_relative_error", "eight ranks, largest relative error against gathering", 1e-5, at_most=True),
)


def write(results: Mapping[str, float | str], folder: Path = FOLDER) -> None:
    """Writes `table.md` and `ratios.png`."""
    (folder / "table.md").write_text(table(results), encoding="utf-8")
    draw(results, folder / "ratios.png")


def table(results: Mapping[str, float | str]) -> str:
    """Returns every goal beside what was measured, then all other values."""
    lines = [f"Measured on: {results['device']}.", "", "| ratio | measured | goal | |", "|---|---|---|---|"]
    for goal in GOALS:
        bound = f"at {'most' if goal.at_most else 'least'} {goal.value:g}"
        measured = results.get(goal.key)
        shown, verdict = (
            ("not measured", "")
            if measured is None
            else (f"{float(measured):.3g}", "reached" if goal.reached(float(measured)) else "missed")
        )
        lines.append(f"| {goal.label} (`{goal.key}`) | {shown} | {bound} | {verdict} |")
    rest = {key: value for key, value in results.items() if key != "device" and key not in {goal.key for goal in GOALS}}
    lines += ["", "| other value | measured |", "|---|---|", *(f"| `{key}` | {float(value):.4g} |" for key, value in sorted(rest.items()))]
    return "\n".join(lines) + "\n"


def draw(results: Mapping[str, float | str], path: Path) -> None:
    """Draws each ratio of speed, time and memory as a bar on a logarithmic axis, with a tick at its goal."""
    from matplotlib.figure import Figure

    goals = [goal for goal in GOALS if goal.key in results and goal.value > 0.1]
    figure = Figure(figsize=(8.5, 0.8 + 0.42 * len(goals)), layout="constrained")
    axes = figure.add_subplot()
    for place, goal in enumerate(goals):
        value = float(results[goal.key])
        axes.barh(place, value - 1, 0.6, left=1, color="#0072B2" if goal.reached(value) else "#E69F00")
        axes.plot([goal.value] * 2, [place - 0.42, place + 0.42], color="#1f2937", linewidth=1.8)
        away = 5 if value >= 1 else -5
        side = "left" if value >= 1 else "right"
        axes.annotate(f"{value:.2g}", (value, place), (away, 0), textcoords="offset points", va="center", ha=side, fontsize=8.5)
    axes.set_yticks(range(len(goals)), [goal.label for goal in goals], fontsize=8.5)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlim(0.1, 20)
    ticks = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.axvline(1, color="#6b7280", linewidth=1)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)
    axes.set_xlabel(f"times the baseline; blue: goal (black tick) reached, orange: missed; {results['device']}", fontsize=8.5)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    write(json.loads(RESULTS.read_text()))
