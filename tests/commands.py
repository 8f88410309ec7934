"""The commands, as a user runs them, on a small emoji world."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


SMALL = [
    "world.num_train=64",
    "world.num_queries=8",
    "world.num_candidates=32",
    "world.num_glyphs=24",
    "encoder.checkpoint.hidden_size=32",
    "encoder.checkpoint.num_layers=1",
    "encoder.checkpoint.vision_hidden_size=32",
    "encoder.checkpoint.vision_num_layers=1",
    "encoder.checkpoint.vocab_size=320",
    "data.batch_size=32",
    "logger=csv",
    "trainer.progress_bar=false",
    "trainer.log_sample_keys=true",
    "trainer.checkpoint_every_n_steps=2",
]


def command(module, data, runs, *overrides):
    return [sys.executable, "-m", f"unite.{module}", *overrides, f"data_root={data}", f"runs_root={runs}"]


def run(module, data, runs, *overrides, code=0):
    done = subprocess.run(command(module, data, runs, *overrides), capture_output=True, text=True, cwd=ROOT, timeout=300, env=environment())
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def environment():
    return os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "WANDB_MODE": "offline", "COLUMNS": "120"}


def only(folder):
    (found,) = folder.iterdir()
    return found
