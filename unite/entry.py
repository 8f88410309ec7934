"""What every entry point shares: errors without a traceback, the console, the seed."""

from __future__ import annotations

import functools
import logging
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from unite.config.register import RUN_STARTED, run_started
from unite.errors import UniteError

if TYPE_CHECKING:
    from rich.console import Console

P = ParamSpec("P")
R = TypeVar("R")


def shown_errors(main: Callable[P, R]) -> Callable[P, R]:
    """Ends the process with the message alone when the user's input is at fault; a bug keeps its traceback."""

    @functools.wraps(main)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        from unite.torchvision_operators import mend_torchvision

        mend_torchvision()  # before anything imports Lightning
        try:
            return main(*args, **kwargs)
        except UniteError as error:
            logging.getLogger("unite").error("%s: %s", type(error).__name__, error)
            sys.exit(1)

    return wrapped


def agree_on_start() -> None:
    """Gives the processes that torchrun started one run folder: one moment of start. Alone, does nothing.

    To be called before Hydra composes, since the folder is part of the config.
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ or RUN_STARTED in os.environ:
        return
    from torch.distributed.rendezvous import rendezvous

    store, rank, _ = next(iter(rendezvous("env://")))
    if rank == 0:
        store.set(RUN_STARTED, run_started())
    os.environ[RUN_STARTED] = store.get(RUN_STARTED).decode()


@functools.cache
def console() -> Console:
    """Returns the console that entry points print to."""
    from rich.console import Console

    return Console()


def seed_everything(seed: int) -> None:
    """Seeds Python, NumPy and torch, workers included."""
    import pytorch_lightning as pl

    pl.seed_everything(seed, workers=True, verbose=False)
