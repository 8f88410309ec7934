"""What `resume=` means.

    resume=true                   the newest unfinished run of the name, from its last checkpoint
    resume=<run>                  that run
    resume=<run>@400              that run, from its checkpoint of step 400
    resume=<run>@alignment/400    of that stage, where several have a checkpoint of the step

A run is named by its folder, or by the folder's name in `<runs_root>/<name>`. Only names of files are read here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unite.errors import ConfigError, must_be, must_be_one_of

#: Written into a run folder when the run has come to its end; `resume=true` looks for folders without it.
FINISHED = "finished"

_STEP = re.compile(r"step=(\d+)")
#: What a run writes before its first checkpoint, and cannot go on without.
_OF_EVERY_RUN = ("config.yaml", "overrides.json")


@dataclass(frozen=True)
class Resumed:
    """A run that is named to go on with.

    Attributes:
        folder: of the run.
        stage, step: of the checkpoint to go on from, the step counted in the stage; None both for the last one.
    """

    folder: Path
    stage: str | None = None
    step: int | None = None


def step_of(checkpoint: Path) -> int:
    """Returns the step that a checkpoint's name tells, -1 where it tells none."""
    found = _STEP.fullmatch(checkpoint.stem)
    return int(found[1]) if found else -1


def resumed_run(resume: Any, root: str | Path, name: str) -> Resumed | None:
    """Returns the run that `resume` names; None where it is true or false.

    Args:
        resume: the option's value.
        root: `runs_root`.
        name: of the run.

    Raises:
        ConfigError: if it is something else, or names no run, a finished one, one that was not copied whole, or a step of which there is no
            checkpoint, or several.
    """
    if isinstance(resume, bool):
        return None
    whole, (said, _, place) = str(resume), str(resume).rpartition("@")
    if not said or (Path(root) / name / whole).is_dir() or Path(whole).is_dir():  # no @, or one of a folder's name
        said, place = whole, ""
    folder = next((path for path in (Path(said), Path(root) / name / said) if said and path.is_dir()), None)
    expected = "true, false, or a run to go on with: <its folder>, or <its folder>@<step>"
    if folder is None:
        hint = f"Unfinished runs in {Path(root) / name}: {', '.join(unfinished_runs(Path(root) / name)) or 'none'}."
        raise ConfigError(must_be("resume", expected, f"{resume}, and there is no run {said}", hint))
    if not any((folder / file).exists() for file in (*_OF_EVERY_RUN, "checkpoints")):
        raise ConfigError(must_be("resume", expected, f"{resume}, and {folder} is a folder of something else"))
    if (folder / FINISHED).exists():
        hint = f"To train on from its weights, begin another with init_from={folder}."
        raise ConfigError(must_be("resume", "a run that is not finished", f"{resume}, a finished one", hint))
    refuse_half_copied(folder)
    return Resumed(folder, *_checkpoint(folder, place)) if place else Resumed(folder)


def refuse_half_copied(folder: Path) -> None:
    """Refuses a run that has checkpoints and not what it was begun with: it would go on with other options.

    Raises:
        ConfigError: in that case.
    """
    missing = [file for file in _OF_EVERY_RUN if not (folder / file).is_file()]
    if missing and any(folder.glob("checkpoints/*/*")):
        hint = "Copy it again, or begin a new run without resume."
        raise ConfigError(must_be(f"the run {folder}, which is to be resumed,", "whole", f"without {' and '.join(missing)}", hint))


def unfinished_runs(folder: Path) -> list[str]:
    """Returns the names of the runs in a folder that began and are not finished, the newest last."""
    runs = folder.iterdir() if folder.is_dir() else ()
    return sorted(run.name for run in runs if (run / "checkpoints").is_dir() and not (run / FINISHED).exists())


def _checkpoint(folder: Path, place: str) -> tuple[str, int]:
    """Returns stage and step of `400` or `alignment/400`."""
    found = sorted({(path.parent.name, step_of(path)) for path in folder.glob("checkpoints/*/step=*.ckpt")})
    all_places = [f"{stage}/{step}" for stage, step in found]
    stage, _, step = place.rpartition("/")
    fitting = [one for one in found if str(one[1]) == step and stage in ("", one[0])]
    if len(fitting) > 1:
        several = " or ".join(f"{one}/{step}" for one, _ in fitting)
        raise ConfigError(must_be("the step of resume", f"{several}, since steps are counted in each stage", place))
    if not fitting:
        hint = f"These are the checkpoints of {folder}; trainer.keep_last says how many stay."
        raise ConfigError(must_be_one_of("the step of resume", all_places or ["none"], place, hint))
    return fitting[0]
