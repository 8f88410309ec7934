"""What routes ask: searches and embeddings of the corpora by their names, answered together with those of others that wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from unite.errors import ConfigError, DataError, must_be, must_be_one_of
from unite.search.hits import Hit, Search, Searching
from unite.search.server.dispatch import Dispatcher
from unite.search.server.limits import Limits
from unite.search.server.ranges import Part, part_of
from unite.search.server.refusals import RefusalError
from unite.search.server.sending import Sending

T = TypeVar("T")
#: Media that are read and made ready at once; what is read is not counted yet.
_READ_AT_ONCE = 4


@dataclass(frozen=True)
class CorpusNow:
    """What a corpus tells of itself at a moment, as `Searching` has it. It is asked by a thread: after a change it is read again.

    Attributes:
        name, num_rows, modalities, columns: as those of `Searching`.
    """

    name: str
    num_rows: int
    modalities: Sequence[str]
    columns: Mapping[str, str]

    @classmethod
    def of(cls, searching: Searching) -> CorpusNow:
        """Asks it."""
        return cls(searching.name, searching.num_rows, searching.modalities, searching.columns)


class Service:
    """Corpora by name. What embeds or searches is done by one thread a searcher; `row` and `media` are asked from several.

    Args:
        searchers: by the names that users see.
        limits: of what may wait.

    Raises:
        ConfigError: if there is none.
    """

    def __init__(self, searchers: Mapping[str, Searching], limits: Limits) -> None:
        if not searchers:
            raise ConfigError(must_be("the searchers", "at least one", 0))
        self.searchers = dict(searchers)
        self._sending, self._reading = Sending(limits.media_bytes), asyncio.Semaphore(_READ_AT_ONCE)
        self._dispatchers = {name: Dispatcher(searcher, limits) for name, searcher in searchers.items()}

    @property
    def names(self) -> list[str]:
        """Of the corpora; the first is asked where none is named."""
        return list(self.searchers)

    def searcher(self, name: str = "") -> Searching:
        """Returns the one of a name. Raises RefusalError (404) if there is none."""
        return self.searchers[self.known(name)]

    def known(self, name: str) -> str:
        """Returns a name, the first where none is given. Raises RefusalError (404) if there is no corpus of it."""
        if name and name not in self.searchers:
            raise RefusalError(404, must_be_one_of("model", self.searchers, name), param="model", code="model_not_found")
        return name or self.names[0]

    async def facts(self, name: str = "") -> CorpusNow:
        """Returns what a corpus tells of itself by now. Raises RefusalError (404) if there is none of the name."""
        return await run_in_threadpool(CorpusNow.of, self.searcher(name))

    async def search(self, search: Search, name: str = "") -> list[Hit]:
        """Returns the hits, best first. Raises as `Searching.search`, and RefusalError if too much waits."""
        return await asyncio.wrap_future(self._dispatchers[self.known(name)].search(search))

    async def embed(self, items: Sequence[Any], name: str = "") -> Any:
        """Returns (N, D) float32 unit embeddings. Raises as `Searching.embed`, and RefusalError if too much waits."""
        return await asyncio.wrap_future(self._dispatchers[self.known(name)].embed(list(items)))

    async def row(self, id: str, name: str = "") -> Hit:
        """Returns a row. Raises RefusalError (404) if there is none."""
        return await _of_row(id, self.searcher(name).row)

    async def media(self, id: str, name: str, asked: str | None, shown: Callable[[bytes, str], tuple[bytes, str]]) -> Response:
        """Returns a row's first medium, or a part of it, as an answer.

        Args:
            id: of the row.
            name: of the corpus.
            asked: the `Range` header, None if there is none.
            shown: returns the bytes and the type that are sent of what the medium is; called in a thread.

        Raises:
            RefusalError: 404 if there is none, or it is gone; 503 if too much is being sent.
        """
        async with self._reading:
            self._sending.check()
            media = await _of_row(id, self.searcher(name).media)
            if media is None:
                raise RefusalError(404, f"Row {id!r} has no medium, or its file is gone.", param="id", code="media_not_found")
            data, mime = await run_in_threadpool(shown, *media)
            answer = part_of(data, mime, asked)
            return self._sending.holding(answer, len(data)) if isinstance(answer, Part) else answer

    async def close(self) -> None:
        """Answers what waits and ends the threads; nothing is taken any more."""
        await asyncio.gather(*(run_in_threadpool(dispatcher.close) for dispatcher in self._dispatchers.values()))


def service_of(request: Request) -> Service:
    """Returns the service of the app that a request came to."""
    return cast(Service, request.app.state.service)


async def _of_row(id: str, ask: Callable[[str], T]) -> T:
    try:
        return await run_in_threadpool(ask, id)
    except DataError as error:
        # Not the searcher's own words: they may tell where the corpus lies.
        raise RefusalError(404, f"There is no row {id!r}.", param="id", code="row_not_found") from error
