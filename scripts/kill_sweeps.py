"""Kills a sweep's launcher or one of its jobs at random moments, goes on with it, and compares: `python scripts/kill_sweeps.py [moments]`.

Every sweep must end with the weights of the one that nothing disturbed. Takes about a minute a moment on 2 cores, so it is
no test; tests/build/test_sweep.py has one moment.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SMALL = [
    *("world.num_train=64", "world.num_queries=8", "world.num_candidates=32", "world.num_glyphs=24"),
    *("encoder.checkpoint.hidden_size=32", "encoder.checkpoint.num_layers=1", "encoder.checkpoint.vocab_size=320"),
    *("encoder.checkpoint.vision_hidden_size=32", "encoder.checkpoint.vision_num_layers=1", "data.batch_size=32", "logger=csv"),
    *("alignment.max_steps=6", "trainer.max_steps=6", "trainer.checkpoint_every_n_steps=2", "evaluate=false"),
    *("mixture=tt,ti", "seed=0,1", "sweep.num_parallel=2"),
]


def command(folder: Path, runs: str) -> list[str]:
    places = [f"data_root={folder}/data", f"runs_root={folder}/{runs}"]
    return [sys.executable, "-m", "unite.train", "-m", "+experiment=stage2_mamcl", *SMALL, *places]


def jobs_of(process: subprocess.Popen[bytes]) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True).stdout
    return [int(number) for number in found.split()]


def weights(runs: Path) -> dict[str, str]:
    found = sorted(runs.glob("*/sweep_*/*/encoder/model.safetensors"))
    return {path.parents[1].name: hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def main() -> int:
    moments = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    draw = random.Random(0)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(command(folder, "first"), check=True, **quiet)  # builds the world
        began = time.monotonic()
        subprocess.run(command(folder, "whole"), check=True, **quiet)
        seconds, expected = time.monotonic() - began, weights(folder / "whole")
        wrong = 0
        for moment in range(moments):
            runs, killed, resumed = f"killed_{moment}", "nothing", 0
            process = subprocess.Popen(command(folder, runs), **quiet)
            try:
                process.wait(draw.uniform(0.1, 1.0) * seconds)
            except subprocess.TimeoutExpired:
                victim = draw.choice([process.pid, *jobs_of(process)])
                killed = "the launcher" if victim == process.pid else "a job"
                os.kill(victim, signal.SIGKILL)
            while process.wait() != 0 and resumed < 3:
                process, resumed = subprocess.Popen([*command(folder, runs), "resume=true"], **quiet), resumed + 1
            same = weights(folder / runs) == expected
            wrong += not same
            print(f"moment {moment + 1}: {killed} killed, resumed {resumed} times: {'the same' if same else 'NOT the same'}", flush=True)
        print(f"{moments - wrong} of {moments} ended with the weights of the undisturbed sweep, {len(expected)} jobs each")
        return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
