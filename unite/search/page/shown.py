"""Hits as the page shows them: what one encoder found, and where the other one put the same rows."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool

from unite.errors import UniteError
from unite.search.hits import Hit, Search, Searching
from unite.search.server.service import Service
from unite.types import Modality


@dataclass(frozen=True)
class ShownHit:
    """One hit.

    Attributes:
        hit: as it was found.
        rank: from 1, over all pages.
        place: address of its medium, "" where it has none.
        has_clip: whether the medium is a video.
        elsewhere: its rank with the other encoder, 0 where that has it not among as many; None where there is no other.
        verdict: `right`, `wrong` or "".
    """

    hit: Hit
    rank: int
    place: str
    has_clip: bool
    elsewhere: int | None = None
    verdict: str = ""

    @property
    def thumbnail(self) -> str:
        """The picture as a data URI, "" where there is none."""
        return as_uri(self.hit.thumbnail)

    @property
    def title(self) -> str:
        """A few words that tell it from others: what it says, else its file's name."""
        return self.hit.text.strip() or file_name(self.hit.source)

    @property
    def metadata(self) -> dict[str, str]:
        """What else the row says, without what is empty."""
        return {name: _told(value) for name, value in self.hit.metadata.items() if value is not None and value != ""}


@dataclass(frozen=True)
class Found:
    """What one encoder found.

    Attributes:
        number: of the encoder, from 0.
        name: of it.
        hits: of the page.
        has_more: whether there is a next page.
        milliseconds: that the search took.
        error: why there is nothing.
    """

    number: int
    name: str
    hits: Sequence[ShownHit] = ()
    has_more: bool = False
    milliseconds: float = 0.0
    error: str = ""

    @property
    def letter(self) -> str:
        """What it is called beside another one: A, B."""
        return "ABCDEFGH"[self.number]


async def find(service: Service, search_of: Callable[[Searching], Search], verdicts: Mapping[str, str], size: int) -> list[Found]:
    """Returns what each encoder finds; of two, each hit with its place with the other.

    Args:
        service: that searches.
        search_of: returns the search, with one hit more than a page has. It may raise UniteError, which is told in the encoder's place.
        verdicts: row id -> verdict.
        size: hits of a page.
    """
    found: list[Found] = []
    ranks: list[dict[str, int]] = []
    for number, name in enumerate(service.names):
        begin = time.perf_counter()
        try:
            search = await run_in_threadpool(search_of, service.searcher(name))  # after a change the corpus is read again
            first = search.offset if len(service.names) == 1 else 0  # of two, ranks are compared from the first on
            hits = await service.search(replace(search, offset=first, k=search.offset + search.k - first), name)
        except UniteError as error:
            found.append(Found(number, name, error=error.told))
            ranks.append({})
            continue
        took = 1000 * (time.perf_counter() - begin)
        shown = [_shown(number, hit, rank, verdicts) for rank, hit in enumerate(hits, first + 1)]
        ranks.append({one.hit.id: one.rank for one in shown if one.rank <= search.offset + size})
        page = shown[search.offset - first :]
        found.append(Found(number, name, page[:size], len(page) > size, took))
    if len(found) != 2:
        return found
    return [replace(one, hits=[replace(hit, elsewhere=ranks[1 - one.number].get(hit.hit.id, 0)) for hit in one.hits]) for one in found]


def num_shared(found: Sequence[Found]) -> int:
    """Returns how many rows are among the hits of both encoders."""
    return len({one.hit.id for one in found[0].hits} & {one.hit.id for one in found[1].hits})


def as_uri(jpeg: bytes | None) -> str:
    """Returns a JPEG as a data URI, "" where there is none."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}" if jpeg else ""


def file_name(source: str) -> str:
    """Returns the last part of a source: `shard.tar#key` of `/data/shard.tar#key`."""
    return PurePosixPath(source).name or source


def _shown(number: int, hit: Hit, rank: int, verdicts: Mapping[str, str]) -> ShownHit:
    place = "/media?" + urlencode({"in": number, "id": hit.id}) if hit.medium else ""
    return ShownHit(hit, rank, place, hit.medium is Modality.VIDEO, verdict=verdicts.get(hit.id, ""))


def _told(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)
