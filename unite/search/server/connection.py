"""A connection that is cut when its client takes too long: a head that trickles in, an answer that nobody takes.

uvicorn waits for both without end. And where there are as many connections as may be, it refuses whoever comes next, so clients that open
many and say nothing would keep everybody else out: here a new connection takes the place of the one that has been waited for the longest.
How long a body may take is the business of `intake`, which can still answer.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol


class _Deadline:
    """Cuts a connection unless it is stopped in time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_running(self) -> bool:
        """Whether it is waited for."""
        return self._timer is not None

    def start(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport) -> None:
        """Starts the time, unless it runs already."""
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, transport.abort)

    def stop(self) -> None:
        """Stops the time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Connection(H11Protocol):
    """uvicorn's connection with deadlines.

    Args:
        *arguments: of uvicorn's.
        seconds: for the head of a request, for what is left of a body that was not read when its request was answered, and for the client
            to take enough of an answer that more can be sent.
        most: connections at once, beyond which new ones take the places of others.
        **options: of uvicorn's.
    """

    def __init__(self, *arguments: Any, seconds: float, most: int, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._most = most
        self._for_head, self._for_writing = _Deadline(seconds), _Deadline(seconds)
        self._since = 0.0  # when it was made, or answered last

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As of asyncio."""
        super().connection_made(transport)
        self._since = self.loop.time()
        self._make_room()
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """As of asyncio."""
        super().data_received(data)
        self._await_head()

    def pause_writing(self) -> None:
        """As of asyncio."""
        super().pause_writing()
        self._for_writing.start(self.loop, self.transport)

    def resume_writing(self) -> None:
        """As of asyncio."""
        super().resume_writing()
        self._for_writing.stop()

    def on_response_complete(self) -> None:
        """As of uvicorn."""
        self._since = self.loop.time()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """As of asyncio."""
        self._for_head.stop()
        self._for_writing.stop()
        super().connection_lost(exc)

    @property
    def _waits(self) -> bool:
        """Whether it is the client who has to do something: send the rest of a request, or take some of the answer."""
        return self.cycle is None or self.cycle.response_complete or self.cycle.more_body or self._for_writing.is_running

    def _make_room(self) -> None:
        """Cuts those that have been waited for the longest, where there are too many and not all are being answered."""
        others = cast("set[Connection]", self.connections)
        while len(others) > self._most:
            waiting = [other for other in others if other is not self and other._waits]
            if not waiting:
                return
            oldest = min(waiting, key=lambda other: other._since)
            others.discard(oldest)
            oldest.transport.abort()

    def _await_head(self) -> None:
        """Begins to wait for a request, or ends it when one is under way."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._for_head.stop()
        else:
            self._for_head.start(self.loop, self.transport)
