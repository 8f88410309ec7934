"""Signals that end a run: it takes the step that it is in to its end, saves, and tells the signal by its exit status.

    SIGTERM, SIGUSR1, SIGUSR2     checkpoint after the step, exit status 128 + the signal's number: 143 after SIGTERM
    SIGINT (Ctrl-C)               at once, without a checkpoint, 130

SLURM sends SIGTERM before it ends a job, and with `--signal=USR1@120` that one two minutes before. A second signal ends the run at once.
Lightning's own handlers are replaced: they talk to other ranks in the middle of whatever these are doing, and end with status 0.
"""

from __future__ import annotations

import logging
import signal
import threading
from types import FrameType

from pytorch_lightning.utilities.exceptions import SIGTERMException

log = logging.getLogger(__name__)

_SAVE_FIRST = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)


class EndedBySignal(SystemExit):
    """A run that a signal ended; its code is 128 + the signal's number."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)


def status_of(error: BaseException) -> int | None:
    """Returns the exit status of a run that ends with an error; None where no signal is its cause."""
    if isinstance(error, EndedBySignal):
        return int(error.code)  # type: ignore[arg-type]
    if isinstance(error, SIGTERMException):  # before the first step
        return 128 + signal.SIGTERM
    is_interrupted = isinstance(error, KeyboardInterrupt) or isinstance(error.__context__, KeyboardInterrupt)  # as Lightning ends it
    return 128 + signal.SIGINT if is_interrupted else None


class Signals:
    """What a run was told by signals while it trains.

    Attributes:
        received: the number of the first signal; 0 where none came.
    """

    received = 0

    def receive(self) -> None:
        """Takes signals from now on; Lightning puts back what was there before when a stage ends."""
        if threading.current_thread() is threading.main_thread():
            for number in _SAVE_FIRST:
                signal.signal(number, self._receive)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.received:
            raise EndedBySignal(number)
        self.received = number
        log.warning("%s: the run ends after this step, with a checkpoint; once more ends it at once", signal.Signals(number).name)
