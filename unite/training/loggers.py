"""Where a run is logged: a CSV in its folder, and W&B.

Steps are counted anew in each stage. The CSV names the stage of a row; W&B's own step goes on over all of them, see
`unite.tracking.wandb_run`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import wandb
from pytorch_lightning.loggers import Logger, WandbLogger
from pytorch_lightning.utilities import rank_zero_only
from typing_extensions import override
from wandb.errors import Error as WandbError

from unite.errors import ConfigError, UniteError
from unite.progress import tracked
from unite.tracking.wandb_evaluation import log_evaluation
from unite.tracking.wandb_run import RunSteps, define_metrics, first_new_step, run_id
from unite.training.stage_csv import StageCSVLogger

log = logging.getLogger(__name__)


class RunWandbLogger(WandbLogger):
    """Lightning's, with one step over all stages, and no row whose step W&B has.

    Args:
        steps: where the run is.
        settings: of `wandb.init`, and of Lightning's logger.
    """

    def __init__(self, steps: RunSteps, **settings: Any) -> None:
        super().__init__(**settings)
        self._wandb_init.pop("anonymous", None)  # which Lightning hands on, and W&B warns of at each start
        self.steps = steps
        self._known: int | None = None

    @property
    def stage(self) -> str:
        """The stage that rows are of."""
        return self.steps.stage

    @stage.setter
    def stage(self, name: str) -> None:
        self.steps.begin(name)

    @override
    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        if step is None:
            self.experiment.log(dict(metrics))
            return
        row = self.steps.row(step, {name: float(value) for name, value in metrics.items()})
        if self._known is None:
            define_metrics(self.experiment)
            self._known = first_new_step(self.experiment)
        if row.step >= self._known:
            self.experiment.log(row.values, step=row.step)


def wandb_logger(folder: Path, mode: str, steps: RunSteps, **settings: Any) -> RunWandbLogger:
    """Logs to W&B, or with mode `offline` into the folder; a resumed run goes on in the same W&B run.

    Raises:
        ConfigError: if it is to be used online and cannot be.
    """
    # Quiet: its summary of every metric at the end would push our table off the screen. Offline it has no address to tell.
    quiet = wandb.Settings(quiet=True, silent=mode == "offline")
    logger = RunWandbLogger(steps, save_dir=folder, mode=mode, id=run_id(folder), settings=quiet, **settings)
    if mode == "online":
        _check_online(logger)
    return logger


def begin_stage(loggers: Sequence[Logger], name: str) -> None:
    """Says to the loggers which stage the next rows are of."""
    for logger in loggers:
        if isinstance(logger, StageCSVLogger | RunWandbLogger):
            logger.stage = name


def finish_loggers(loggers: Sequence[Logger], metrics: dict[str, float], folder: Path) -> None:
    """Logs the evaluation and closes what is open: the next job of a sweep has a W&B run of its own.

    Args:
        loggers: of the run.
        metrics: of the evaluation; empty if there is none.
        folder: of the run, with the evaluation's files.
    """
    for logger in tracked(loggers, "closing the log", "loggers"):
        if isinstance(logger, WandbLogger):
            logger.finalize("success")
            try:
                log_evaluation(logger.experiment, folder)
            except UniteError as error:  # a picture that W&B lacks is no reason to lose the run
                log.warning("W&B does not get the whole evaluation: %s", error)
            logger.experiment.finish()
        else:
            logger.log_metrics(metrics)
            logger.finalize("success")


def _check_online(logger: WandbLogger) -> None:
    """Opens the run on W&B's server now, before anything that takes long; later, a failure would lose it."""
    try:
        _ = logger.experiment
    except WandbError as error:
        hint = "Log in with `wandb login`, or take logger.wandb=offline and upload later with `python -m unite.dashboard <run> --push`."
        raise ConfigError(f"logger.wandb=online needs an account and a connection ({error}). {hint}") from error
