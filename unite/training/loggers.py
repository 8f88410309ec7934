"""Where a run is logged: a CSV in its folder, and W&B."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import wandb
from pytorch_lightning.loggers import CSVLogger, Logger, WandbLogger
from wandb.errors import Error as WandbError

from unite.errors import ConfigError


def csv_logger(folder: Path) -> CSVLogger:
    """Logs into `<folder>/log/metrics.csv`, each row as it comes; a resumed run into `log_2`, since Lightning empties what is there."""
    taken = len(list(folder.glob("log*/metrics.csv")))
    return CSVLogger(folder, name="", version=f"log_{taken + 1}" if taken else "log", flush_logs_every_n_steps=1)


def wandb_logger(folder: Path, mode: str, **settings: Any) -> WandbLogger:
    """Logs to W&B, or with mode `offline` into the folder.

    Raises:
        ConfigError: if it is to be used online and cannot be.
    """
    # Quiet: its summary of every metric at the end would push our table off the screen.
    logger = WandbLogger(save_dir=folder, mode=mode, settings=wandb.Settings(quiet=True), **settings)
    if mode == "online":
        _check_online(logger)
    return logger


def finish_loggers(loggers: Sequence[Logger], metrics: dict[str, float]) -> None:
    """Logs the last metrics and closes what is open: the next job of a sweep has a W&B run of its own."""
    for logger in loggers:
        logger.log_metrics(metrics)
        logger.finalize("success")
        if isinstance(logger, WandbLogger):
            logger.experiment.finish()


def _check_online(wandb: WandbLogger) -> None:
    """Opens the run on W&B's server now, before anything that takes long; later, a failure would lose it."""
    try:
        _ = wandb.experiment
    except WandbError as error:
        hint = "Log in with `wandb login`, or take logger.wandb=offline and upload later with `wandb sync`."
        raise ConfigError(f"logger.wandb=online needs an account and a connection ({error}). {hint}") from error
