"""What every entry point shares: errors without a traceback, the console, the seed."""

from __future__ import annotations

import errno
import functools
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import OmegaConf

from unite.build.component import check_untyped, empty_keys, missing_keys
from unite.config.register import RUN_STARTED, run_started
from unite.errors import ConfigError, RankError, UniteError, must_be
from unite.parting import begin_watch, parting
from unite.processes import is_first_started, job_store, started
from unite.silenced import silence

if TYPE_CHECKING:
    from rich.console import Console

#: What a user has to mend: no space or quota left, no right to write, a file where a folder is to be.
_OF_THE_DISK = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST),
)

P = ParamSpec("P")
R = TypeVar("R")


def shown_errors(main: Callable[P, R]) -> Callable[P, R]:
    """Ends the process with the message alone when the user's input is at fault; a bug keeps its traceback.

    The folder of a run that made nothing is removed. Where a launcher of Hydra's runs several jobs in one process, the error goes on
    to it: it counts the job as failed and begins the next, while the end of the process would be that of all jobs.
    """

    @functools.wraps(main)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        in_sweep = HydraConfig.initialized() and HydraConfig.get().mode is RunMode.MULTIRUN
        silence()
        try:
            configs = [one for one in args if OmegaConf.is_config(one)]
            with _no_bare_folder(configs), parting():
                for config in configs:
                    _check_complete(config)
                    check_untyped(config)
                return main(*args, **kwargs)
        except UniteError as error:
            logging.getLogger("unite").error("%s: %s", type(error).__name__, error.told)
            if in_sweep:
                raise
            sys.exit(1)
        except OSError as error:
            if error.errno not in _OF_THE_DISK:
                raise
            hint = "Free space there, or give another place: data_root, runs_root, cache and out are where things are written."
            logging.getLogger("unite").error("nothing can be written: %s. %s", error, hint)
            if in_sweep:
                raise
            sys.exit(1)

    return wrapped


@contextmanager
def _no_bare_folder(configs: list[Any]) -> Iterator[None]:
    """Removes the run's folder, which Hydra made, when the block raises before anything is in it.

    Not in a sweep, where the folder tells which job failed; not of a run that is resumed; and not from a rank that is not the first, unless
    all end (a `RankError`) and it may have a folder of its own.
    """
    try:
        yield
    except BaseException as error:
        from unite.runs import remove_bare

        is_kept = any(config.get("resume") or (config.get("sweep") or {}).get("folder") for config in configs)
        ends = is_first_started() or isinstance(error, RankError)
        if ends and not is_kept and HydraConfig.initialized() and HydraConfig.get().mode is RunMode.RUN:
            name = next((str(config.get("name")) for config in configs), "")
            remove_bare(HydraConfig.get().runtime.output_dir, name)
        raise


def _check_complete(config: Any) -> None:
    """Refuses a config with values that were not given, before anything heavy begins."""
    if missing := missing_keys(config):
        hint = f"Add {' '.join(f'{key}=...' for key in missing)} to the command."
        raise ConfigError(must_be(", ".join(missing), "given", "missing", hint))
    if empty := empty_keys(config):
        raise ConfigError(must_be(", ".join(empty), "given", "empty", f"Say it behind {' and '.join(f'{key}=' for key in empty)}."))


def agree_on_start() -> None:
    """Gives the processes that torchrun or srun started one run folder, by one moment of start, and begins to watch them.

    Alone, does nothing. To be called before Hydra composes, since the folder is part of the config.
    """
    this, store = started(), job_store()
    if this is None or store is None:
        return
    if RUN_STARTED not in os.environ:
        if this.rank == 0:
            store.set(RUN_STARTED, run_started())
        os.environ[RUN_STARTED] = store.get(RUN_STARTED).decode()
    begin_watch()


@functools.cache
def console() -> Console:
    """Returns the console that entry points print to."""
    from rich.console import Console

    return Console()


def say(*lines: str) -> None:
    """Prints lines as they stand: no markup is looked for in them, and none is broken where a terminal ends."""
    for line in lines:
        console().print(line, markup=False, highlight=False, soft_wrap=True)


def seed_everything(seed: int) -> None:
    """Seeds Python, NumPy and torch, workers included.

    Raises:
        ConfigError: if NumPy cannot take the seed.
    """
    import pytorch_lightning as pl

    if not 0 <= seed < 2**32:
        raise ConfigError(must_be("seed", f"from 0 to {2**32 - 1}", seed))
    pl.seed_everything(seed, workers=True, verbose=False)
