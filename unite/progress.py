"""How far a long work is: a bar in a terminal, elsewhere a line at least every ten seconds.

    with shown("packing", total=num_rows, unit="rows") as work:
        for shard in shards:
            work.advance(pack(shard))

    for row in tracked(rows, "near duplicates", "rows"):
        ...

A thread looks at the works of the process and tells of them, so a line comes however long one step of a work takes, and a work that is over
at once is not told at all. Works may lie within one another: a terminal shows a bar of each that is counted and of the innermost, a line
tells of the innermost. Only the first rank tells, and no worker process does: what they do is counted where it was asked for.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from unite.processes import is_first_started

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

log = logging.getLogger(__name__)

T = TypeVar("T")
#: A bar where there is a terminal and lines elsewhere, lines in any case, or nothing of it and of what lies within it.
How: TypeAlias = Literal["bar", "lines", "nothing"]
#: Seconds between two looks at the works in a terminal, and between two lines where there is none.
LOOK, TELL = 0.2, 10.0
#: Seconds that a work has lasted before a line tells of it: of many short ones within a longer one, the longer one is told.
YOUNG = 2.0


class Work:
    """A work, as far as it is. Whoever does it counts; the thread reads.

    Attributes:
        title, unit: what is done, and what is counted (`rows`).
        total: how many there are in all; None where that is not known, or nothing is counted.
        done: how many are done.
        note: what else is to be told of it by now (`loss 2.31`).
        is_told: whether its end is told too: from its first line on.
    """

    def __init__(self, title: str, total: int | None, unit: str, done: int, how: How) -> None:
        self.title, self.total, self.unit, self.done, self.how = title, total, unit, done, how
        self.note = ""
        self.began = time.monotonic()
        self.is_told = False
        self._done_before = done

    def advance(self, count: int = 1) -> None:
        """Counts what is done."""
        self.done += count

    def line(self) -> str:
        """Returns how far it is."""
        paced = self.paced() or [f"{self.passed} so far"]
        return f"{self.title}: {', '.join(filter(None, [self.counted, self.note, *paced]))}"

    def last_line(self) -> str:
        """Returns what was done in what time."""
        return f"{self.title}: {', '.join(filter(None, [self.counted, self.note, f'took {self.passed}']))}"

    def paced(self) -> list[str]:
        """Returns the rate and the time that is left by it, in words; nothing before the first is done, or where nothing is counted."""
        rate = (self.done - self._done_before) / max(time.monotonic() - self.began, 1e-9)
        if self.total is None or rate <= 0:
            return []
        each, seconds = ("s", 1) if rate >= 0.5 else ("min", 60) if 60 * rate >= 0.5 else ("h", 3600)
        left = timedelta(seconds=round(max(self.total - self.done, 0) / rate))
        return [f"{seconds * rate:,.1f} {self.unit}/{each}", f"{left} left"]

    @property
    def passed(self) -> timedelta:
        """Whole seconds since it began."""
        return timedelta(seconds=round(time.monotonic() - self.began))

    @property
    def counted(self) -> str:
        """How many are done; empty where nothing is counted."""
        if self.total is not None:
            return f"{self.done:,} of {self.total:,} {self.unit}"
        return f"{self.done:,} {self.unit}" if self.done else ""


@contextmanager
def shown(title: str, total: int | None = None, unit: str = "", *, done: int = 0, how: How = "bar") -> Iterator[Work]:
    """Shows how far a work is while the block runs.

    Args:
        title: what is done.
        total: how many there are to do; None shows the time that has passed.
        unit: what is counted, in the plural.
        done: how many are done already.
        how: what is seen of it.
    """
    work = Work(title, total, unit, done, how)
    if how == "nothing":
        with _teller.silent():
            yield work
    elif _teller.is_silent or not is_first_started() or multiprocessing.parent_process() is not None:
        yield work
    else:
        with _teller.telling(work):
            yield work
        if work.is_told:
            log.info("%s", work.last_line())


def tracked(items: Iterable[T], title: str, unit: str, *, how: How = "bar") -> Iterator[T]:
    """Yields the items, and shows how many are done."""
    with shown(title, len(items) if isinstance(items, Sized) else None, unit, how=how) as work:
        for item in items:
            yield item
            work.advance()


def in_terminal() -> bool:
    """Returns whether bars can be seen: elsewhere what is told in lines need not be short."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


class _Teller:
    """The one thread that tells of the works of this process; it is there while they are."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._works: list[Work] = []
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._told_at = 0.0
        self.is_silent = False

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Tells of no work that begins within the block."""
        before, self.is_silent = self.is_silent, True
        try:
            yield
        finally:
            self.is_silent = before

    @contextmanager
    def telling(self, work: Work) -> Iterator[None]:
        """Tells of a work while the block runs."""
        self._add(work)
        try:
            yield
        finally:
            self._remove(work)

    def _add(self, work: Work) -> None:
        with self._lock:
            if not self._works:
                # Works that follow one another are one to who waits: the first line comes ten seconds after the first of them began.
                self._told_at = self._told_at or time.monotonic()
                self._stopped = threading.Event()
                self._thread = threading.Thread(target=self._look, args=(self._stopped,), name="progress", daemon=True)
                self._works.append(work)
                self._thread.start()
            else:
                self._works.append(work)

    def _remove(self, work: Work) -> None:
        with self._lock:
            self._works.remove(work)
            if self._works:
                return
            self._stopped.set()
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()

    def _look(self, stopped: threading.Event) -> None:
        bars = _Bars.of_terminal()
        try:
            while not stopped.wait(LOOK if bars else min(max(self._told_at + TELL - time.monotonic(), LOOK), TELL)):
                with self._lock:
                    works = list(self._works)
                if bars is not None:
                    bars.show([work for work in works if work.how == "bar" and (work.total is not None or work is works[-1])])
                now = time.monotonic()
                told = [work for work in works if (bars is None or work.how == "lines") and now - work.began >= YOUNG]
                if told and now - self._told_at >= TELL:
                    self._told_at = now
                    told[-1].is_told = True
                    log.info("%s", told[-1].line())
        finally:
            if bars is not None:
                bars.close()


class _Bars:
    """A bar of each work, the log's lines above them."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self._tasks: dict[Work, TaskID] = {}
        self._put_back: list[Callable[[], Any]] = []
        self._is_open = False

    @classmethod
    def of_terminal(cls) -> _Bars | None:
        """Returns what draws bars; None without a terminal."""
        if not in_terminal():
            return None
        from rich.progress import BarColumn, Progress, TextColumn

        columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[told]}", markup=False))
        return cls(Progress(*columns, transient=True, auto_refresh=False))

    def show(self, works: list[Work]) -> None:
        """Draws the bars of these works, in their order."""
        if works and not self._is_open:
            self._open()
        for work in [work for work in self._tasks if work not in works]:
            self.progress.remove_task(self._tasks.pop(work))
        for work in works:
            if work not in self._tasks:
                self._tasks[work] = self.progress.add_task(work.title, total=work.total, completed=work.done, told="")
            told = ", ".join(filter(None, (work.counted, str(work.passed), *work.paced(), work.note)))
            self.progress.update(self._tasks[work], completed=work.done, total=work.total, told=told)
        if not works:
            self.close()
        else:
            self.progress.refresh()

    def _open(self) -> None:
        self._is_open, ours = True, (sys.stdout, sys.stderr)
        self.progress.start()
        # The log writes to the stream that it was given: through the display from now on, or a line would stand within a bar.
        for handler in logging.getLogger().handlers:
            if isinstance(handler, logging.StreamHandler) and handler.stream in ours:
                old = handler.setStream(sys.stdout if handler.stream is ours[0] else sys.stderr)
                self._put_back.append(partial(handler.setStream, old))

    def close(self) -> None:
        """Takes the bars off the screen."""
        while self._put_back:
            self._put_back.pop()()
        if self._is_open:
            self.progress.stop()
            self._is_open = False


_teller = _Teller()
