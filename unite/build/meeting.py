"""Has the ranks of a job compare, before anything is built, what must be equal, and says how to go on when one is lost."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from unite.config.resumed import step_of
from unite.meeting import Meeting
from unite.parting import set_watch
from unite.processes import job_store, started
from unite.resumed_settings import flat
from unite.runs import RunFolder, versions
from unite.watch import LOST_AFTER

if TYPE_CHECKING:
    from unite.training.stages import Stage

#: What may differ: where a machine keeps its data, and how it runs.
_FREE = re.compile(r"data_root|cache|logger\.|data\.num_workers|trainer\.progress_bar")
_HINTS = {
    "run_folder": "Let runs_root lie on a disk that all machines share, and give the same command on each.",
    "the version": "Install the same on all machines.",
    "the option": "Give the same command on each machine.",
    "the data": "Copy them again from one machine to the others, or let data_root lie on a disk that they share.",
    "the checkpoint": "Let runs_root lie on a disk that all machines share.",
}


@cache
def _meeting() -> Meeting | None:
    """Returns the meeting of this process's job; None where torchrun or srun started no other."""
    this, store = started(), job_store()
    if this is None or store is None:
        return None
    from torch.distributed import PrefixStore  # type: ignore[attr-defined]

    return Meeting(PrefixStore("meeting", store), this)


def meet(config: Any) -> None:
    """Compares the run folder, versions and config of all ranks, and looks whether they see one folder. Alone, does nothing.

    Args:
        config: of a command that runs on several ranks: `train`, `evaluate`, `audit` or `embed`.

    Raises:
        RankError: with the first difference, on all ranks.
    """
    trainer = config.get("trainer")
    set_watch(trainer.lost_after_seconds if trainer else LOST_AFTER, _way_on(config))
    meeting = _meeting()
    if meeting is None:
        return
    found = versions()
    code = {"python": platform.python_version(), "unite's commit": found["git_commit"], **found["packages"]}
    facts = {"run_folder": str(config.run_folder), **{f"the version of {name}": value for name, value in code.items()}}
    meeting.compare(facts | {f"the option {key}": value for key, value in options_to_compare(config).items()}, _HINTS)
    folder, option = (config.out, "out") if "out" in config else (config.run_folder, "runs_root")
    meeting.see_folder(Path(folder), option)


def meet_over_data(stages: Sequence[Stage], run: RunFolder, resume: Any) -> None:
    """Compares what the stages train on and the checkpoints that a run goes on from. Alone, does nothing.

    Raises:
        RankError: with the first difference, on all ranks.
    """
    meeting = _meeting()
    if meeting is None:
        return
    from unite.training.stages import provenance_of  # not for commands that do not train

    facts: dict[str, Any] = {}
    for kind, by_stage in provenance_of(stages).items():
        for name, prints in by_stage.items():
            facts |= {f"the data of {name}, {kind} of {source},": value for source, value in prints.items()}
    for stage in stages if resume else ():
        last = run.last_checkpoint(stage.name)
        facts[f"the checkpoint of {stage.name}"] = [last.name, last.stat().st_size] if last else None
    meeting.compare(facts, _HINTS)


def options_to_compare(config: Any) -> dict[str, Any]:
    """Returns the options that must be equal on all ranks, by their dotted names; what lies in `data_root` is told from there."""
    plain: Any = OmegaConf.to_container(config, resolve=True, enum_to_str=True)
    root = plain.get("data_root")

    def told(value: Any) -> Any:
        return value.replace(root, "<data_root>", 1) if root and isinstance(value, str) and value.startswith(root) else value

    return {key: told(value) for key, value in flat(plain) if not _FREE.match(key)}


def _way_on(config: Any) -> Callable[[], str]:
    """Returns what says how to go on after a rank is lost."""
    if "trainer" not in config:
        return lambda: "The same command again goes on: what was embedded is kept."
    folder = Path(config.run_folder)

    def way_on() -> str:
        found = list(folder.glob("checkpoints/*/step=*.ckpt"))
        if not found and not any(folder.glob("checkpoints/*/encoder/config.json")):
            return "There is no checkpoint yet to go on from."
        last = max(found, key=lambda path: (path.stat().st_mtime_ns, step_of(path)), default=folder)
        return f"The same command with resume=true goes on from {last}."

    return way_on
