"""Stages that several jobs of a sweep train alike, trained once.

    <folder>/<fingerprint>/     the encoder as the stage left it, and which run trained it

The fingerprint is of all that the stage's result depends on: the weights it starts from, the content of its data and their order, every
setting of the stage, the seed, and the versions. The first job that needs a stage holds its lock while it trains; others wait and take
what it made. A job that is killed releases the lock, and the next trains instead.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unite.data.mixture import MixtureDataModule
from unite.embedding.fingerprints import encoder_fingerprint, prompt_fingerprint
from unite.encoder.vlm import VLMEncoder
from unite.files import read_json, whole_folder, write_json
from unite.locks import locked
from unite.types import fingerprint

log = logging.getLogger(__name__)

_TRAINED_BY = "trained_by.json"


@dataclass(frozen=True)
class SharedStages:
    """Where the stages of a sweep are shared.

    Attributes:
        folder: of the shared stages.
        settings: name of a stage -> what its result depends on beside weights and data, as plain values.
    """

    folder: Path
    settings: Mapping[str, Any]

    @contextmanager
    def turn(self, name: str, mixture: MixtureDataModule, encoder: VLMEncoder) -> Iterator[SharedStage]:
        """Waits until no other job trains the same stage, and holds it while the block runs.

        Args:
            name: of the stage.
            mixture: its data, which was checked.
            encoder: with the weights it starts from.
        """
        parts = (self.settings[name], mixture.fingerprints(), mixture.state_dict())
        key = fingerprint(
            str(encoder_fingerprint(encoder)),
            str(prompt_fingerprint(encoder.processor)),
            *(json.dumps(part, sort_keys=True, default=str) for part in parts),
        )
        stage = SharedStage(self.folder / f"{name}-{key:016x}")
        # Ranks that Lightning starts come when the first has decided, and wait for nothing.
        with nullcontext() if os.environ.get("LOCAL_RANK", "0") != "0" else locked(stage.folder.with_suffix(".lock")):
            yield stage


@dataclass(frozen=True)
class SharedStage:
    """One stage: there already, or to be trained and put there."""

    folder: Path

    @property
    def is_there(self) -> bool:
        """Whether another job has trained it."""
        return (self.folder / "config.json").is_file()

    def take(self, export: Path) -> None:
        """Puts the encoder into a run's folder; on one disk as hard links, which take no room."""
        trained_by = read_json(self.folder / _TRAINED_BY)["run"]
        log.info("the stage is that of %s, which is the same in all that matters; sweep.share_stages=false trains it again", trained_by)
        with whole_folder(export, existing="replace") as partial:
            shutil.copytree(self.folder, partial, copy_function=_link, dirs_exist_ok=True, ignore=shutil.ignore_patterns(_TRAINED_BY))

    def put(self, export: Path, run: Path) -> None:
        """Gives other jobs the encoder that a run exported."""
        with whole_folder(self.folder, existing="keep") as partial:
            shutil.copytree(export, partial, copy_function=_link, dirs_exist_ok=True)
            write_json(partial / _TRAINED_BY, {"run": str(run)})


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:  # another disk, or one without hard links
        shutil.copy2(source, target)
    return target
