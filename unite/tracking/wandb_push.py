"""Pushes finished or unfinished runs from their folders to W&B.

`wandb sync` knows W&B's own offline folders, one for each time that a run was begun or resumed, and what they say of the same steps twice.
Our log says it once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import wandb
from wandb.errors import Error as WandbError

from unite.errors import TrackingError
from unite.tracking.recorded import adaptation_shares, batch_size_of, read_log_of, stage_lengths
from unite.tracking.wandb_evaluation import log_evaluation
from unite.tracking.wandb_run import RunSteps, columns_of, define_metrics, run_id, run_rows, send_rows


@dataclass(frozen=True)
class PushedRun:
    """What W&B is told of a run.

    Attributes:
        folder: of the training run.
        evaluated: where its evaluation is; the same folder as a rule.
        name, group: as W&B calls them.
        config: resolved.
        choices: the options that it was composed from.
    """

    folder: Path
    evaluated: Path
    name: str
    group: str | None
    config: Mapping[str, Any]
    choices: Mapping[str, str]


def push_run(pushed: PushedRun, project: str, entity: str | None) -> tuple[str, int]:
    """Pushes a run; one that W&B has already gets what is new.

    Returns:
        Its address, and the number of rows that were new.

    Raises:
        TrackingError: if W&B cannot be reached, or refuses it.
    """
    config = pushed.config
    try:
        run = wandb.init(
            mode="online",
            id=run_id(pushed.folder),
            resume="allow",
            project=project,
            entity=entity,
            name=pushed.name,
            group=pushed.group,
            tags=list((config.get("logger") or {}).get("tags") or []),
            config=columns_of(config, pushed.choices, adaptation_shares(config)),
            dir=pushed.folder,
            reinit="create_new",
            # Nothing of this machine or this process: the run was made elsewhere, at another time.
            settings=wandb.Settings(
                silent=True, console="off", disable_git=True, disable_code=True, x_disable_stats=True, x_disable_meta=True
            ),
        )
        try:
            define_metrics(run)
            steps = RunSteps(stage_lengths(config), batch_size_of(config))
            sent = send_rows(run, run_rows(read_log_of(pushed.folder, config), steps))
            log_evaluation(run, pushed.evaluated)
        finally:
            run.finish()
    except WandbError as error:
        hint = "Log in with `wandb login`; the folder stays as it is, and can be pushed again."
        raise TrackingError(f"{pushed.folder} could not be pushed to W&B ({error}). {hint}") from error
    return str(run.url), sent
