"""A connection that is cut when its client takes too long: a head that trickles in, an answer that nobody takes.

uvicorn waits for both without end, and as many such clients as there may be connections would keep everybody else out. How long a body
may take is the business of `intake`, which can still answer.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


class _Deadline:
    """Cuts a connection unless it is stopped in time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None

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
        **options: of uvicorn's.
    """

    def __init__(self, *arguments: Any, seconds: float, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._for_head, self._for_writing = _Deadline(seconds), _Deadline(seconds)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As of asyncio."""
        super().connection_made(transport)
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

    def connection_lost(self, exc: Exception | None) -> None:
        """As of asyncio."""
        self._for_head.stop()
        self._for_writing.stop()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        """Begins to wait for a request, or ends it when one is under way."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._for_head.stop()
        else:
            self._for_head.start(self.loop, self.transport)
