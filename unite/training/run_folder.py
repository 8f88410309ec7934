"""A run's folder: what it was made with, and what it made.

config.yaml        the resolved config
provenance.json    versions, machine, data fingerprints, where the weights came from
skipped.jsonl      samples that could not be read, with the reason
checkpoints/       one folder a stage
encoder/           the trained encoder, adapters merged: loads in transformers and here
metrics.json       the evaluation
finished           written last
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from unite.errors import CheckpointError, must_be
from unite.evaluation.report import write_text

_PACKAGES = (
    "unite",
    "torch",
    "transformers",
    "peft",
    "pytorch-lightning",
    "hydra-core",
    "omegaconf",
    "webdataset",
    "av",
    "pillow",
    "wandb",
    "numpy",
)


class RunFolder:
    """Paths and records of one run."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.path.mkdir(parents=True, exist_ok=True)

    @property
    def encoder(self) -> Path:
        """The exported encoder."""
        return self.path / "encoder"

    @property
    def metrics(self) -> Path:
        """The evaluation's flat metrics."""
        return self.path / "metrics.json"

    @property
    def skipped(self) -> Path:
        """Where unreadable samples are named."""
        return self.path / "skipped.jsonl"

    def checkpoints(self, stage: str) -> Path:
        """The folder of a stage's checkpoints."""
        folder = self.path / "checkpoints" / stage
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def stage_encoder(self, stage: str) -> Path:
        """The encoder as a stage that is not the last left it."""
        return self.checkpoints(stage) / "encoder"

    def last_checkpoint(self, stage: str) -> Path | None:
        """Returns the newest checkpoint of a stage, or None."""
        found = list(self.checkpoints(stage).glob("*.ckpt"))
        return max(found, key=lambda path: path.stat().st_mtime_ns) if found else None

    def write_config(self, text: str) -> None:
        """Writes the resolved config. A resumed run whose config changed keeps both: the newer as `config.resumed.yaml`."""
        path = self.path / "config.yaml"
        if path.exists() and path.read_text() != text:
            path = self.path / "config.resumed.yaml"
        write_text(path, text)  # several ranks may write it at once

    def write_provenance(self, **facts: Any) -> None:
        """Writes versions, machine and command beside what the caller knows (data fingerprints, weights)."""
        known = {
            "command": " ".join([Path(sys.executable).name, *sys.argv]),
            "python": platform.python_version(),
            "platform": platform.platform(),
            "git_commit": _git_commit(),
            "packages": {name: _version(name) for name in _PACKAGES},
        }
        (self.path / "provenance.json").write_text(json.dumps({**known, **facts}, indent=2, sort_keys=True) + "\n")

    def finish(self) -> None:
        """Marks the run as finished: `resume=true` passes it by."""
        (self.path / "finished").touch()


def trained_encoder(path: str | Path) -> Path:
    """Returns the exported encoder of a run folder, or the folder itself if it is an encoder.

    Raises:
        CheckpointError: if the folder is neither.
    """
    folder = Path(path)
    for candidate in (folder / "encoder", folder):
        if (candidate / "config.json").is_file():
            return candidate
    is_ = "a folder without" if folder.is_dir() else "no folder"
    hint = "A run exports its encoder when its last stage ends; an unfinished one can be continued with resume=true."
    raise CheckpointError(must_be(str(folder), "a run folder that holds encoder/config.json, or an encoder's folder", is_, hint))


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _git_commit() -> str | None:
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip() or None
    except (OSError, subprocess.SubprocessError):
        return None
