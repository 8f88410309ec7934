"""Going back to an older checkpoint of a run: what was made after it is set aside, so that the run goes on from there.

    checkpoints/adaptation/step=600.ckpt     ->  step=600.ckpt.set_aside
    checkpoints/alignment/encoder/           ->  encoder.set_aside/

Nothing is deleted: a mistyped step costs no training.
"""

from __future__ import annotations

import glob
import logging
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from unite.config.resumed import step_of
from unite.errors import ConfigError, must_be_one_of
from unite.runs import RunFolder
from unite.training.validation import Best

_SUFFIX = ".set_aside"

log = logging.getLogger(__name__)


def go_back(run: RunFolder, stages: Sequence[str], stage: str, step: int) -> None:
    """Sets aside what was made after a checkpoint, under other names. Several processes of the run may do it at once.

    Args:
        run: that goes back.
        stages: of the run, in their order.
        stage, step: of the checkpoint; the step is counted in the stage.

    Raises:
        ConfigError: if the run has no such stage.
    """
    if stage not in stages:
        raise ConfigError(must_be_one_of("the stage of resume", stages, stage, "The others are left out of this run."))
    later = [run.path / "checkpoints" / name for name in stages[list(stages).index(stage) + 1 :]]
    later += [path for path in run.checkpoints(stage).glob("*.ckpt") if step_of(path) > step]
    best = Best.read(run.best(stage))
    if best is not None and best.step > step:  # found again when the run comes to it
        later.append(run.best(stage))
    moved = [path for path in (*later, run.stage_encoder(stage), run.encoder) if _set_aside(path)]
    if moved:
        names = ", ".join(str(path.relative_to(run.path)) for path in moved)
        log.warning("%s goes back to step %d of %s; set aside as <name>%s: %s", run.path, step, stage, _SUFFIX, names)


def _set_aside(path: Path) -> bool:
    """Renames a file or folder; returns whether there was one."""
    taken = len(list(path.parent.glob(f"{glob.escape(path.name)}{_SUFFIX}*")))
    with suppress(FileNotFoundError):  # there is none, or another process of the run has done it
        path.rename(path.with_name(f"{path.name}{_SUFFIX}{taken + 1 if taken else ''}"))
        return True
    return False
