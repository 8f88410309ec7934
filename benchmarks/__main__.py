"""Runs every benchmark and writes what it measured: `python -m benchmarks [--quick] [names]`.

Each is a module with `run(quick) -> dict[str, float]`; all comparisons are ratios within one run. Values that were not measured this time
stay as they were.
"""

from __future__ import annotations

import argparse
import importlib
import json

import torch

from benchmarks import page
from benchmarks.page import RESULTS

NAMES = (
    *("loss", "linear", "step", "peers", "ranking", "encoding", "embedding", "stream", "long_video", "curation", "logging", "startup"),
    *("sweep", "api", "index", "planned", "ranks", "features"),
)
GPU_NAMES = ("gpu_step",)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*NAMES, *GPU_NAMES, []], help="which to run; all by default")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs; results are not written")
    arguments = parser.parse_args()
    results = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    for name in arguments.names or NAMES + GPU_NAMES * torch.cuda.is_available():
        measured = importlib.import_module(f"benchmarks.{name}").run(arguments.quick)
        print(f"{name}: " + ", ".join(f"{key}={value:.4g}" for key, value in measured.items()), flush=True)
        results |= {key: float(f"{value:.6g}") for key, value in measured.items()}
    results["device"] = torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU, {torch.get_num_threads()} threads"
    if not arguments.quick:
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps(results, indent=2, sort_keys=True) + "\n")
        page.write(results)


if __name__ == "__main__":
    main()
