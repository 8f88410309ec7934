"""What every entry point shares: errors without a traceback, the console, the seed."""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec, TypeVar

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


@functools.cache
def console() -> Console:
    """Returns the console that entry points print to."""
    from rich.console import Console

    return Console()


def seed_everything(seed: int) -> None:
    """Seeds Python, NumPy and torch, workers included."""
    import pytorch_lightning as pl

    pl.seed_everything(seed, workers=True, verbose=False)
