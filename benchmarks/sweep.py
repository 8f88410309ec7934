"""A sweep of 8 short jobs that share their alignment, 2 at a time, against 8 single runs in turn, by wall time."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

TEMPERATURES = [0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09]
SMALL = ["world.num_train=256", "world.num_queries=16", "world.num_candidates=64", "world.num_glyphs=24", "logger=csv"]


def run(quick: bool) -> dict[str, float]:
    """Returns the sweep's wall time as a share of that of the single runs. The world is built before either."""
    temperatures, steps = (TEMPERATURES[:2], 2) if quick else (TEMPERATURES, 30)
    arguments = [*SMALL, "+experiment=stage2_mamcl", f"alignment.max_steps={steps}", f"trainer.max_steps={steps}"]
    with tempfile.TemporaryDirectory() as folder:
        places = [f"data_root={folder}/data", f"runs_root={folder}/runs"]
        _train([*arguments, *places, "alignment.max_steps=0", "trainer.max_steps=1"])
        began = time.monotonic()
        for temperature in temperatures:
            _train([*arguments, *places, f"objective.temperature={temperature}"])
        single, began = time.monotonic() - began, time.monotonic()
        _train(["-m", *arguments, *places, f"objective.temperature={','.join(map(str, temperatures))}", "sweep.num_parallel=2"])
        return {"sweep_vs_single_runs": (time.monotonic() - began) / single}


def _train(arguments: list[str]) -> None:
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "WANDB_MODE": "offline"}
    done = subprocess.run([sys.executable, "-m", "unite.train", *arguments], env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} ended with {done.returncode}: {(done.stdout + done.stderr)[-2000:]}")
