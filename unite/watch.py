"""Finds a rank that is lost, and ends the others: a collective operation would have them wait for it until its timeout.

    every rank      a thread counts up `beat/<rank>` in the job's store; a process that is killed, stopped or cut off counts no more
    first rank      looks at all counts, and writes a verdict when one has stood still for too long, or a rank ended with an error
    other ranks     look at the count of the first rank, and for its verdict
    a second thread ends the rank when the store itself answers no more: the machine that keeps it is lost

It says which rank, on which machine, and how to go on. Long work of a rank (building data, saving, exporting) does not matter: its thread
goes on counting meanwhile. A rank that lives and never comes to where the others wait for it is found by the process group's own timeout.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from unite.errors import RankError
from unite.processes import LIGHTNING, Started

log = logging.getLogger("unite")

#: Seconds without a sign of life after which a rank counts as lost, where no option says otherwise.
LOST_AFTER = 30.0
#: Seconds that a rank is given to end by itself after another ended with an error: it may have the same one, and tell it better.
_GRACE = 3.0


class Watch:
    """One rank's part of the watch. `start`, `leave` and `explain` are for the main thread.

    Args:
        store: of the job, see `unite.processes.job_store`.
        this: which process this is.
        end: ends this process, given the message, and whether the torchrun that started it is to end too.

    Attributes:
        lost_after: seconds without a sign of life after which a rank counts as lost.
        go_on: says how to go on after a rank is lost.
    """

    def __init__(self, store: Any, this: Started, end: Callable[[str, bool], None] | None = None) -> None:
        self.store, self.this = store, this
        self.lost_after = LOST_AFTER
        self.go_on: Callable[[], str] = lambda: "Nothing was begun."
        self._end = end or _end_process
        self._stopped = threading.Event()
        self._troubled = threading.Event()
        self._ending = threading.Lock()
        self._seen = time.monotonic()
        self._beats: dict[int, tuple[int, float]] = {}  # rank -> its count, and since when it stands there
        self._is_refused = False
        self._gone: set[int] = set()
        self._hosts: dict[int, str] = {}
        self._parent = os.getppid()
        self._is_own_starter = this.launcher == LIGHTNING and this.local_rank == 0  # its parent is a shell, which may go
        self._here = f" on {platform.node()}"

    @property
    def every(self) -> float:
        """Seconds between two signs of life."""
        return min(2.0, self.lost_after / 10)

    def start(self) -> None:
        """Begins to give signs of life and to look for those of others."""
        self.store.set(f"host/{self.this.rank}", platform.node())
        self.store.add(f"beat/{self.this.rank}", 1)  # at once: who gave no sign at all would pass for one that has not begun
        self._seen = time.monotonic()
        for target in (self._beat, self._look_at_store):
            threading.Thread(target=target, name="watch", daemon=True).start()

    def leave(self, message: str) -> None:
        """Tells the others that this rank ends, so that they do not miss it.

        Args:
            message: the error that it ends with; "" where it has done its work.
        """
        if self._stopped.is_set():
            return
        self._stopped.set()
        with suppress(Exception):  # of a store that is gone
            self.store.set(f"ended/{self.this.rank}", message)
            if self.this.launcher != "torchrun" and self.this.rank == 0:  # the store ends with this process
                until = time.monotonic() + min(self.lost_after, 10)
                while time.monotonic() < until and not all(self._ended(rank) is not None for rank in range(1, self.this.world_size)):
                    time.sleep(0.1)

    def explain(self, error: BaseException) -> RankError:
        """Waits for what the watch finds of an error that a connection to other ranks broke; it ends this process where one is lost.

        Returns:
            What is to be raised where all ranks are there.
        """
        self._troubled.set()
        with suppress(Exception):
            self.store.set("troubled", "1")
        time.sleep(self.lost_after + 3 * self.every + _GRACE)
        with self._ending:  # whoever is ending the process holds it for good
            hint = "If a rank has more to do than others wait for, raise trainer.timeout_minutes."
            return RankError(f"the ranks lost each other, though each is still there ({error}). {hint} {self.go_on()}")

    def _beat(self) -> None:
        while not self._stopped.wait(self.every):
            try:
                self.store.add(f"beat/{self.this.rank}", 1)
                message = self._verdict()
            except Exception:  # of a store that is gone, which is what the other thread looks for
                self._is_refused = True
                return
            self._seen = time.monotonic()
            if message and not self._stopped.is_set():
                self._tell(message)

    def _look_at_store(self) -> None:
        while not self._stopped.wait(self.every):
            silent = time.monotonic() - self._seen
            if silent > (5 * self.every if self._troubled.is_set() else self.lost_after):
                # torchrun asks the same store, and waits with no timeout where it is silent and not refused.
                self._tell(self._lost(0, silent), and_torchrun=self.this.launcher == "torchrun" and not self._is_refused)
            if os.getppid() != self._parent and not self._is_own_starter:
                starter = "rank 0" if self.this.launcher == LIGHTNING else self.this.launcher
                self._tell(f"{starter}, which started rank {self.this.rank}{self._here}, is gone")

    def _verdict(self) -> str:
        """Returns what is wrong; "" where nothing is."""
        if self.this.rank:
            if self.store.check(["verdict"]):
                return str(self.store.get("verdict").decode())
            return self._of(0)
        for rank in range(1, self.this.world_size):
            if message := self._of(rank):
                self.store.set("verdict", message)
                return message
        return ""

    def _of(self, rank: int) -> str:
        """Returns what is wrong with a rank."""
        if rank in self._gone:
            return ""
        ended = self._ended(rank)
        if ended is not None:
            self._gone.add(rank)
            return f"rank {rank}{self._on(rank)} ended with an error: {ended}" if ended else ""
        count, now = self.store.add(f"beat/{rank}", 0), time.monotonic()
        if not count:  # not begun yet
            return ""
        before, since = self._beats.get(rank, (-1, now))
        if count != before:
            self._beats[rank] = (count, now)
            self._on(rank)  # asked while there is somebody to answer
            return ""
        if not self._troubled.is_set() and self.store.check(["troubled"]):
            self._troubled.set()  # a connection broke: whoever is silent now was killed
        return self._lost(rank, now - since) if now - since > (5 * self.every if self._troubled.is_set() else self.lost_after) else ""

    def _ended(self, rank: int) -> str | None:
        return self.store.get(f"ended/{rank}").decode() if self.store.check([f"ended/{rank}"]) else None

    def _on(self, rank: int) -> str:
        if rank not in self._hosts and self.store.check([f"host/{rank}"]):
            self._hosts[rank] = self.store.get(f"host/{rank}").decode()
        return f" on {self._hosts[rank]}" if rank in self._hosts else ""

    def _lost(self, rank: int, silent: float) -> str:
        where = f" on {self._hosts[rank]}" if rank in self._hosts else ""
        what = "it was killed or stopped, or its machine or network is gone"
        return f"rank {rank}{where} is lost: no sign of life for {silent:.0f} s ({what})"

    def _tell(self, message: str, *, and_torchrun: bool = False) -> None:
        if " ended with an error: " in message and self._stopped.wait(_GRACE):
            return
        with self._ending:
            if not self._stopped.is_set():
                self._end(f"{message}. {self.go_on()}", and_torchrun)


def _end_process(message: str, and_torchrun: bool) -> None:
    """Ends this process and those that it started, wherever its main thread waits."""
    log.error("RankError: %s", message)
    for handler in (*log.handlers, *logging.getLogger().handlers):
        with suppress(Exception):
            handler.flush()
    for child in multiprocessing.active_children():
        child.kill()
        child.join(1)
    sys.stdout.flush()
    sys.stderr.flush()
    if and_torchrun:
        with suppress(OSError):
            os.kill(os.getppid(), signal.SIGKILL)
    os._exit(1)
