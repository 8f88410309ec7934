"""Where the samples of a shard lie, read from its index when the first of them is asked for and forgotten when many others are.

So a start reads as many short beginnings of files as there are shards, however many rows they hold, and what is kept in memory has a bound.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np

from unite.errors import DataError, must_be

#: Samples that a process keeps, of all indices together: some 230 MB. Of more, those of the shards that were not asked for longest go.
MOST_KEPT = 1 << 21


@dataclass(frozen=True, slots=True)
class IndexedSample:
    """Where one sample lies: (offset, size) in bytes of each member, by extension."""

    key: str
    members: dict[str, tuple[int, int]]


class _Compact:
    """Samples in about a fifth of the memory: their numbers in one array, and the extensions that many have in common once.

    Args:
        samples: (key, extension -> (offset, size)) of each.
    """

    def __init__(self, samples: Sequence[tuple[str, Mapping[str, Sequence[int]]]]) -> None:
        known: dict[tuple[str, ...], tuple[str, ...]] = {}
        self.keys = [str(key) for key, _ in samples]
        self._extensions = [known.setdefault(names, names) for names in (tuple(members) for _, members in samples)]
        places = [(int(offset), int(size)) for _, members in samples for offset, size in members.values()]
        self._places = np.array(places, dtype=np.int64).reshape(-1, 2)
        self._starts = np.cumsum([0, *map(len, self._extensions)])

    def __getitem__(self, row: int) -> IndexedSample:
        places = self._places[self._starts[row] : self._starts[row + 1]].tolist()
        return IndexedSample(
            self.keys[row], {name: (offset, size) for name, (offset, size) in zip(self._extensions[row], places, strict=True)}
        )


#: By the index and the SHA-256 of its shard.
KEPT: OrderedDict[tuple[Path, str], _Compact] = OrderedDict()


class StoredSamples(Sequence[IndexedSample]):
    """The samples of an index on disk.

    Args:
        path: of the index.
        sha256: of the shard, as its beginning says.
        num: how many there are, as it says.
    """

    def __init__(self, path: Path, sha256: str, num: int) -> None:
        self._path, self._sha256, self._num = path, sha256, num

    def __len__(self) -> int:
        return self._num

    @overload
    def __getitem__(self, row: int) -> IndexedSample: ...

    @overload
    def __getitem__(self, row: slice) -> Sequence[IndexedSample]: ...

    def __getitem__(self, row: int | slice) -> IndexedSample | Sequence[IndexedSample]:
        """Returns a sample, or several. Raises DataError if the index is not whole."""
        samples, rows = self._read(), range(self._num)[row]
        return samples[rows] if isinstance(rows, int) else [samples[one] for one in rows]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def _read(self) -> _Compact:
        key = (self._path, self._sha256)
        if key in KEPT:
            KEPT.move_to_end(key)
            return KEPT[key]
        hint = "Delete it, and it is made again of the shard."
        try:
            fields: Any = json.loads(self._path.read_bytes())
            samples = _Compact(fields["samples"])
            is_same = fields["sha256"] == self._sha256 and len(samples.keys) == self._num
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(must_be(str(self._path), "the index of a shard", f"unreadable ({error})", hint)) from error
        if not is_same:
            raise DataError(must_be(str(self._path), "as it was when it was opened", "of other samples", "Start again."))
        KEPT[key] = samples
        while len(KEPT) > 1 and sum(len(one.keys) for one in KEPT.values()) > MOST_KEPT:
            KEPT.popitem(last=False)
        return samples
