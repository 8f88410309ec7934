"""Contents with a picture in a column of parquet files, as Hugging Face stores them: `{"bytes", "path"}`.

A corpus of thousands of pages is larger than memory, so none is kept: memory holds the row group that is being read, at most a few times
over, a hundred pictures as Hugging Face writes them. Rows are read forward; one before the last that was read begins its group anew, which
is slow, so contents are best asked for in their order.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from itertools import accumulate, islice
from pathlib import Path, PurePath
from threading import Lock

import pyarrow.parquet as pq

from unite.config.schema.media import Decoding
from unite.data.rows import StoredContent, StoredMedium
from unite.embedding.lazy import LazyContent
from unite.errors import DataError, must_be
from unite.media import decoding_key
from unite.types import Modality, fingerprint

#: A picture, or none.
Cell = dict[str, object] | None
#: Rows read at a time: pages of a few megabytes each, at worst.
_ROWS = 8
#: Bytes read of a column at a time, where its encoding lets it.
_BUFFER = 1 << 20


class ParquetPictures:
    """The pictures of one column of several files, known by their place; one is in memory while it is asked for.

    Args:
        paths: of the files, in order.
        column: of structs with `bytes` and `path`.

    Raises:
        OSError, ValueError: if a file is no parquet.
    """

    def __init__(self, paths: Sequence[Path], column: str) -> None:
        self.paths = list(paths)
        self.column = column
        self._metadata = [pq.read_metadata(path) for path in self.paths]
        self._starts: list[int] = [0, *accumulate(metadata.num_rows for metadata in self._metadata)]
        self._lock = Lock()  # beside a GPU several threads decode
        self._at = (-1, -1)
        self._forward: Iterator[Cell] = iter(())
        self._next = 0

    def __len__(self) -> int:
        return self._starts[-1]

    @cached_property
    def checksums(self) -> list[str]:
        """Of each file, by its footer, which holds the sizes and bounds of all that is in it; the file itself is not read."""
        return [f"{fingerprint(_footer(path)):016x}" for path in self.paths]

    @cached_property
    def times(self) -> list[int]:
        """When each file was changed, in nanoseconds."""
        return [path.stat().st_mtime_ns for path in self.paths]

    def file_of(self, row: int) -> tuple[int, int]:
        """Returns which file a row is in, and its number there."""
        file = bisect_right(self._starts, row) - 1
        return file, row - self._starts[file]

    def read(self, row: int) -> tuple[bytes, str]:
        """Returns a picture as it is stored, and the extension of its name, "" if it has none.

        Raises:
            DataError: if it is not there, or its file cannot be read.
        """
        file, inside = self.file_of(row)
        where = f"row {inside} of {self.paths[file]}"
        with self._lock:
            try:
                cell = self._cell(file, inside)
            except (OSError, ValueError) as error:  # Arrow's errors are of these kinds
                told = " ".join(str(error).split())
                raise DataError(f"{where} cannot be read ({told}). Download the file again.") from error
        data = (cell or {}).get("bytes")
        if not isinstance(data, bytes) or not data:
            raise DataError(must_be(where, f"a picture in {self.column!r}, with its bytes", "without"))
        return data, PurePath(str((cell or {}).get("path") or "")).suffix.lstrip(".").lower()

    def _cell(self, file: int, inside: int) -> Cell:
        group, start = self._group_of(file, inside)
        if self._at != (file, group) or inside < self._next:
            self._at, self._next, self._forward = (file, group), start, self._rows(file, group)
        skipped = inside - self._next
        self._next = inside + 1
        return next(islice(self._forward, skipped, None), None)

    def _group_of(self, file: int, inside: int) -> tuple[int, int]:
        """Returns the row group that a row of a file is in, and the first row of that."""
        start = 0
        for group in range(self._metadata[file].num_row_groups):
            size = self._metadata[file].row_group(group).num_rows
            if inside < start + size:
                return group, start
            start += size
        raise IndexError(inside)

    def _rows(self, file: int, group: int) -> Iterator[Cell]:
        with pq.ParquetFile(self.paths[file], buffer_size=_BUFFER, pre_buffer=False) as table:
            for batch in table.iter_batches(_ROWS, row_groups=[group], columns=[self.column], use_threads=False):
                yield from batch.column(0).to_pylist()


class ParquetContents(Sequence[LazyContent]):
    """N contents of a picture each, with a text or without, the pictures read when they are asked for.

    Args:
        pictures: N of them.
        texts: (N,) as in `Content`; "" where there is none.
        names: (N,) what to call each in an error.
        instruction: of each.
        decoding: how the pictures will be decoded.
    """

    def __init__(self, pictures: ParquetPictures, texts: Sequence[str], names: Sequence[str], instruction: str, decoding: Decoding) -> None:
        self.pictures = pictures
        self.texts = texts
        self.names = names
        self.instruction = instruction
        self.decoding = decoding
        self._decoding_key = decoding_key(Modality.IMAGE, decoding)

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, index: int) -> LazyContent:  # type: ignore[override]  # no slices: they would make all at once
        if not 0 <= index < len(self):
            raise IndexError(index)
        pictures = self.pictures
        file, row = pictures.file_of(index)
        stored_at = (pictures.checksums[file], str(pictures.times[file]), str(row), pictures.column)
        key = fingerprint("parquet", self._decoding_key, self.instruction, self.texts[index], *stored_at)
        name = f"{self.names[index]} (row {row} of {pictures.paths[file]})"
        return LazyContent(partial(self._read, index), self.decoding, name, key)

    def checksum(self) -> str:
        """Returns what tells their data from others', wherever the files lie; the pictures are not read."""
        texts = f"{fingerprint(self.instruction, *self.texts):016x}"
        return " ".join([*self.pictures.checksums, self.pictures.column, texts])

    def _read(self, index: int) -> StoredContent:
        data, extension = self.pictures.read(index)
        return StoredContent(self.texts[index], (StoredMedium(Modality.IMAGE, data, extension),), self.instruction)


def _footer(path: Path) -> bytes:
    """Returns what a parquet file ends with: its metadata, whose length and the word PAR1 stand behind it."""
    with path.open("rb") as file:
        file.seek(-8, 2)
        length = int.from_bytes(file.read(4), "little")
        file.seek(-8 - length, 2)
        return file.read(length)
