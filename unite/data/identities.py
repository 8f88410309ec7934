"""What each row of a shard holds, as hashes: read once, then kept beside the shard.

Two contents are one here where text and media are the same (the instruction does not count: with another one it is no other content), or
where they are of one group.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unite.data.rows import StoredContent
from unite.data.shards import ShardReader
from unite.files import whole_file
from unite.progress import tracked
from unite.types import fingerprint, without_instruction

#: What a content is in its row, the second column of `identities`.
QUERY, POSITIVE, NEGATIVE = 0, 1, 2
_SUFFIX = ".identities.npy"


def identities(reader: ShardReader) -> NDArray[np.int64]:
    """Returns (N, 4) int64, one line a content: its row in the reader, what it is there, its own hash, and that of its group (0 without).

    The contents of a row stand in their order. A shard whose checksum was met before is not read again.

    Raises:
        DataError: if a row cannot be read.
    """
    parts, start = [], 0
    shards = list(zip(reader.addresses, reader.indices, strict=True))
    for address, index in tracked(shards, "what the rows hold", "shards"):
        name = f".{index.sha256[:16]}{_SUFFIX}"
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "unite" / "identities" / name.removeprefix(".")
        places = [*([address.beside(name).path] if address.is_local else []), cache]
        found = next((known for place in places if (known := _load(place)) is not None), None)
        if found is None:
            found = _read(ShardReader([address]))
            _keep(places, found)
        parts.append(found + np.array([start, 0, 0, 0]))
        start += len(index.samples)
    lines = np.concatenate(parts)
    if reader.rows is None:
        return lines
    place = np.full(start, -1)
    place[reader.rows] = np.arange(len(reader.rows))
    lines[:, 0] = place[lines[:, 0]]
    lines = lines[lines[:, 0] >= 0]
    return lines[np.argsort(lines[:, 0], kind="stable")]


def hash_of(content: StoredContent) -> int:
    """Returns the 63-bit hash of text and media, never 0; an instruction, wherever it stands, is no part of it."""
    text = without_instruction(content.text)
    return fingerprint("content", text, *(part for medium in content.media for part in (str(medium.modality), medium.data))) or 1


def _read(reader: ShardReader) -> NDArray[np.int64]:
    lines = [
        (number, what, hash_of(content), fingerprint("group", content.group) if content.group else 0)
        for number, row in enumerate(reader)
        for what, contents in ((QUERY, (row.query,)), (POSITIVE, row.positives), (NEGATIVE, row.negatives))
        for content in contents
    ]
    return np.array(lines, dtype=np.int64).reshape(-1, 4)


def _load(path: Path) -> NDArray[np.int64] | None:
    try:
        found: NDArray[np.int64] = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return found if found.dtype == np.int64 and found.ndim == 2 and found.shape[1] == 4 else None


def _keep(places: list[Path], lines: NDArray[np.int64]) -> None:
    """Keeps it at the first place that can be written; at none, the shard is read again next time."""
    for place in places:
        with contextlib.suppress(OSError), whole_file(place) as partial:
            with partial.open("wb") as file:
                np.save(file, lines, allow_pickle=False)
            return
