"""A run's folder: what it was made with and what it made.

config.yaml        the resolved config; config.resumed.yaml, of a run that was resumed with other settings
overrides.json     what the command said that began the run
provenance.json    versions, machine, data fingerprints, where the weights came from
log/               metrics.csv, the same however often the run is resumed
wandb_id           of its W&B run, the same however often it is resumed
skipped.jsonl      samples that could not be read, with the reason
checkpoints/       one folder a stage, and in it best/, the weights that were best in validation
encoder/           the trained encoder, adapters merged: loads in transformers and here
metrics.json       the evaluation
finished           written last
"""

from __future__ import annotations

import atexit
import json
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from unite.config.resumed import FINISHED, step_of
from unite.config.schema.sweep import Keep
from unite.files import read_yaml, write_json, write_text
from unite.locks import locked
from unite.processes import is_first_started
from unite.resumed_settings import check_resumed_settings

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

#: Not in `hydra/`, which is written anew when the run is resumed.
_OVERRIDES = "overrides.json"
#: The resolved config, and that of a run that was resumed with other settings.
CONFIG, RESUMED_CONFIG = "config.yaml", "config.resumed.yaml"
#: What every run's folder holds before the run has made anything: our config, Hydra's notes and the log.
_OF_EVERY_START = re.compile(r"hydra/.+|config\.yaml|overrides\.json|lock|wandb_id|[^/]+\.log")
_LOCK = "lock"


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

    def best(self, stage: str) -> Path:
        """The folder of a stage's best weights."""
        return self.checkpoints(stage) / "best"

    def stage_encoder(self, stage: str) -> Path:
        """The encoder as a stage that is not the last left it."""
        return self.checkpoints(stage) / "encoder"

    def last_checkpoint(self, stage: str) -> Path | None:
        """Returns the newest checkpoint of a stage, or None. `check_checkpoint` tells whether it is whole."""
        found = list(self.checkpoints(stage).glob("*.ckpt"))
        # By their steps: a copy of the folder need not keep the files' times.
        return max(found, key=lambda path: (step_of(path), path.stat().st_mtime_ns)) if found else None

    def hold(self) -> None:
        """Keeps other processes out of the folder until this one ends: they wait, since two that go on with one run would spoil it."""
        if is_first_started():
            held = ExitStack()
            held.enter_context(locked(self.path / _LOCK))
            atexit.register(held.close)

    def write_config(self, text: str) -> None:
        """Writes the resolved config. A resumed run whose config changed keeps both, see `read_config`.

        Raises:
            CheckpointError, ConfigError: see `check_resumed_settings`.
        """
        path = self.path / CONFIG
        if path.exists() and path.read_text() != text:
            check_resumed_settings(path, text, self._is_over)
            path = self.path / RESUMED_CONFIG
        write_text(path, text)  # several ranks may write it at once

    def write_overrides(self, overrides: Sequence[str]) -> None:
        """Writes what the command said that began the run; that of a command which resumes it is not kept."""
        path = self.path / _OVERRIDES
        if not path.exists():
            write_json(path, list(overrides))

    @staticmethod
    def read_overrides(path: str | Path) -> list[str] | None:
        """Returns what the command said that began a run; None where there is no such run."""
        file = Path(path) / _OVERRIDES
        return list(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else None

    def _is_over(self, stage: str) -> bool:
        return any((folder / "config.json").is_file() for folder in (self.encoder, self.stage_encoder(stage)))

    @property
    def has_provenance(self) -> bool:
        """Whether it is known how the run was made."""
        return (self.path / "provenance.json").is_file()

    def write_provenance(self, **facts: Any) -> None:
        """Writes versions, machine and command beside what the caller knows (data fingerprints, weights)."""
        known = {
            "command": " ".join([Path(sys.executable).name, *sys.argv]),
            "python": platform.python_version(),
            "platform": platform.platform(),
            **versions(),
        }
        write_json(self.path / "provenance.json", {**known, **facts})

    def thin(self, keep: Keep, stage: str) -> None:
        """Removes the checkpoints of a finished run but for those to keep; the exported encoder is none of them.

        Args:
            keep: the last checkpoint, the weights that were best in validation, the encoders of the stages before, or none.
            stage: the last one, of which a checkpoint is kept.
        """
        last = self.checkpoints(stage)
        stages = [path.name for path in last.parent.iterdir()]
        kept: Mapping[Keep, list[Path | None]] = {
            Keep.last: [self.last_checkpoint(stage)],
            Keep.best: [self.best(stage)],
            Keep.stages: [self.stage_encoder(name) for name in stages],
            Keep.none: [],
        }
        for folder in map(self.checkpoints, stages):
            for path in folder.iterdir():
                if path not in kept[keep]:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
            if folder != last and not any(folder.iterdir()):
                folder.rmdir()

    def finish(self) -> None:
        """Marks the run as finished: `resume=true` passes it by."""
        (self.path / FINISHED).touch()


def read_config(folder: Path) -> dict[str, Any]:
    """Returns the resolved config of a run; one that was resumed with other settings goes by those.

    Raises:
        DataError: if it is not there, or cannot be read.
    """
    resumed = folder / RESUMED_CONFIG
    return read_yaml(resumed if resumed.is_file() else folder / CONFIG, "Mend it, or copy the run again.")


def sweep_of(folder: Path, config: Mapping[str, Any]) -> str | None:
    """Returns the name of the sweep that a run is a job of; None where it is of none.

    Args:
        folder: of the run.
        config: of the run. Earlier versions did not say it there, and Hydra left its own record in the sweep's folder.
    """
    said = (config.get("sweep") or {}).get("folder")
    if said:
        return Path(said).name
    return folder.resolve().parent.name if (folder.parent / "multirun.yaml").is_file() else None


def versions() -> dict[str, Any]:
    """Returns what code this is: the commit, and the versions of the packages that results depend on."""
    return {"git_commit": _git_commit(), "packages": {name: _version(name) for name in _PACKAGES}}


def remove_bare(path: str | Path, name: str) -> None:
    """Removes the folder of a run that failed before it made anything; one that holds more than what every start writes stays as it is.

    Args:
        path: the folder.
        name: of the run: where the folder is `<root>/<name>/<start>`, the two above are removed too if nothing else is in them.
    """
    folder = Path(path)
    if any(one.is_file() and not _OF_EVERY_START.fullmatch(one.relative_to(folder).as_posix()) for one in folder.rglob("*")):
        return
    shutil.rmtree(folder, ignore_errors=True)
    if folder.parent.name == name:
        with suppress(OSError):  # there is something in it
            folder.parent.rmdir()
            folder.parent.parent.rmdir()


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
