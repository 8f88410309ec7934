"""One thread a searcher, which embeds together what waits.

Requests come one by one, and an encoder is fastest with many contents. So what comes within a few milliseconds, or while the call before
is still at work, is embedded in one call, up to a number of tokens. One thread also means that a searcher's encoder is never asked twice
at once. A request that cannot be embedded fails alone: its neighbours are then embedded each by itself.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from unite.errors import UniteError
from unite.search.hits import Hit, Search, Searching
from unite.search.server.limits import Limits
from unite.search.server.refusals import busy

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Tokens that a medium is taken for, and letters that are taken for a token.
_OF_A_MEDIUM, _LETTERS_A_TOKEN = 256, 4


@dataclass
class _Job:
    """What one request asks.

    Attributes:
        items: to be embedded; none of a search by words alone.
        finish: makes its answer of their vectors, (N, D).
        tokens: about as many.
        future: of the answer.
        since: when it came, in seconds of the monotonic clock.
    """

    items: Sequence[Any]
    finish: Callable[[Any], Any]
    tokens: int
    future: Future[Any] = field(default_factory=Future)
    since: float = field(default_factory=time.monotonic)


class Dispatcher:
    """The thread of a searcher. It ends with `close`, or with the process.

    Args:
        searcher: which it alone embeds and searches with.
        limits: how many may wait, how long for others, and how much is embedded together.
    """

    def __init__(self, searcher: Searching, limits: Limits) -> None:
        self._searcher, self._limits = searcher, limits
        self._waiting: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=f"searcher {searcher.name}", daemon=True)
        self._thread.start()

    def search(self, search: Search) -> Future[list[Hit]]:
        """Returns the hits to come. Raises RefusalError (503) if too much waits."""
        missing = [place for place, part in enumerate(search.parts) if part.vector is None]

        def finish(vectors: Any) -> list[Hit]:
            parts = list(search.parts)
            for place, vector in zip(missing, vectors, strict=True):
                parts[place] = replace(parts[place], vector=vector)
            return self._searcher.search(replace(search, parts=parts))

        return self._add([search.parts[place].item for place in missing], finish)

    def embed(self, items: Sequence[Any]) -> Future[Any]:
        """Returns (N, D) embeddings to come. Raises RefusalError (503) if too much waits."""
        return self._add(items, lambda vectors: vectors)

    def close(self) -> None:
        """Answers what waits and takes no more; returns when the thread has ended, or after the time that the server's end may take."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(self._limits.shutdown_seconds)

    def _add(self, items: Sequence[Any], finish: Callable[[Any], T]) -> Future[T]:
        job = _Job(items, finish, sum(map(about_tokens, items)))
        with self._changed:
            if self._closed:
                raise busy("The server is ending")
            if len(self._waiting) >= self._limits.waiting:
                raise busy(f"{len(self._waiting)} requests wait already")
            self._waiting.append(job)
            self._changed.notify()
        return job.future

    def _run(self) -> None:
        while jobs := self._collect():
            # What nobody waits for any more is left out.
            self._answer([job for job in jobs if job.future.set_running_or_notify_cancel()])

    def _collect(self) -> list[_Job]:
        """Waits for requests and returns those that are embedded together; none when it was closed and all are answered."""
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            while self._waiting and not self._closed and sum(job.tokens for job in self._waiting) < self._limits.batch_tokens:
                left = self._waiting[0].since + self._limits.batch_seconds - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            jobs: list[_Job] = []
            tokens = 0
            while self._waiting and (not jobs or tokens + self._waiting[0].tokens <= self._limits.batch_tokens):
                jobs.append(self._waiting.popleft())
                tokens += jobs[-1].tokens
            return jobs

    def _answer(self, jobs: Sequence[_Job]) -> None:
        items = [item for job in jobs for item in job.items]
        try:
            vectors = self._searcher.embed(items) if items else []
        except BaseException as error:  # a panic of a library in Rust is no Exception, and would end the thread of all requests
            if len(jobs) == 1:
                _fail(jobs[0], error)
            else:  # which of them it is, only each alone can tell
                for job in jobs:
                    self._answer([job])
            return
        start = 0
        for job in jobs:
            try:
                answer = job.finish(vectors[start : start + len(job.items)])
            except BaseException as error:
                _fail(job, error)
            else:
                job.future.set_result(answer)
            start += len(job.items)


def _fail(job: _Job, error: BaseException) -> None:
    if not isinstance(error, UniteError):
        log.error("a request failed", exc_info=error)
    job.future.set_exception(error if isinstance(error, Exception) else RuntimeError(repr(error)))


def about_tokens(item: Any) -> int:
    """Returns about how many tokens an item is: what fits together need not be known exactly."""
    if not isinstance(item, dict):
        return _OF_A_MEDIUM
    num_media = sum(len(value) for value in item.values() if isinstance(value, list))
    return num_media * _OF_A_MEDIUM + sum(len(value) for value in item.values() if isinstance(value, str)) // _LETTERS_A_TOKEN + 1
