"""The parts of a corpus at work: what a process embedded lies in a file, whole or not at all, until the first rank takes it into the table.

    parts/part-<...>.arrow      rows as in the table, and `exact`: the float32 bytes of those in the sample that recall is measured by
    parts/skipped-<...>.jsonl   rows that could not be read: id, source, reason

A row that was embedded is so never embedded again, whenever the processes were killed: what they left is taken in by the next call.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from unite.errors import DataError
from unite.files import to_line
from unite.search.corpus.place import Place
from unite.search.corpus.stored import StoredCorpus

#: Rows that are taken into the table in one transaction.
_ROWS = 16384
_PART, _SKIPPED = "part-*.arrow", "skipped-*.jsonl"
EXACT = "exact"


class Parts:
    """The folder of the parts of a corpus.

    Args:
        folder: `parts` in that of the corpus.
    """

    def __init__(self, folder: Place) -> None:
        self.folder = folder

    def write(self, rows: pa.Table) -> None:
        """Keeps rows. Raises OSError if they cannot be written."""
        name = f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}"  # taken in in the order in which they were written
        data = pa.BufferOutputStream()
        with pa.ipc.new_file(data, rows.schema) as writer:
            writer.write_table(rows)
        (self.folder / _PART.replace("*", name)).write(data.getvalue())

    def write_skipped(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Keeps what could not be read."""
        if lines:
            (self.folder / _SKIPPED.replace("*", uuid.uuid4().hex)).write(b"".join(map(to_line, lines)))

    def skipped(self) -> list[dict[str, Any]]:
        """Returns what all ranks could not read, each row once, by id."""
        found = {line["id"]: line for path in self.folder.glob(_SKIPPED) for line in map(json.loads, path.read_text("utf-8").splitlines())}
        return [found[id] for id in sorted(found)]

    def forget_skipped(self) -> None:
        """Removes what an earlier call noted: it is tried again."""
        for path in self.folder.glob(_SKIPPED):
            path.remove()

    @property
    def num(self) -> int:
        """How many parts wait to be taken in."""
        return len(self.folder.glob(_PART))

    def groups(self) -> Iterator[tuple[list[Place], pa.Table]]:
        """Yields what waits, as many parts at a time as make a transaction."""
        paths: list[Place] = []
        tables: list[pa.Table] = []
        for path in self.folder.glob(_PART):
            paths.append(path)
            tables.append(_read(path))
            if sum(map(len, tables)) >= _ROWS:
                yield paths, pa.concat_tables(tables, promote_options="default")
                paths, tables = [], []
        if paths:
            yield paths, pa.concat_tables(tables, promote_options="default")

    def close(self) -> None:
        """Removes the folder once all is taken in."""
        if self.folder.is_local and self.folder.path.is_dir() and not any(self.folder.path.iterdir()):
            self.folder.path.rmdir()


def take_in(parts: Parts, corpus: StoredCorpus, known: set[str]) -> int:
    """Takes what waits into the table, and returns how many rows that were. Killed at any moment, the next call does the rest.

    Args:
        parts: where it waits.
        corpus: what it is taken into.
        known: the ids that the table has; it learns the new ones.
    """
    num = 0
    for paths, table in parts.groups():
        rows = _last_of_each(table)
        ids = rows.column("id").to_pylist()
        is_new = [id not in known for id in ids]
        kept = rows.drop_columns([EXACT]) if EXACT in rows.column_names else rows
        if not all(is_new):
            corpus.put(kept.filter(pa.array([not new for new in is_new])))
        if any(is_new):
            corpus.add(kept.filter(pa.array(is_new)))
        if EXACT in rows.column_names:
            corpus.put_exact(rows.select(["id", "fingerprint", EXACT]).filter(rows.column(EXACT).is_valid()))
        known |= set(ids)
        num += len(ids)
        for path in paths:
            path.remove()
    return num


def _last_of_each(table: pa.Table) -> pa.Table:
    """Returns a table with one row of each id: two calls, of which one was killed, may each have made it."""
    places = {id: place for place, id in enumerate(table.column("id").to_pylist())}
    return table if len(places) == len(table) else table.take(list(places.values()))


def _read(path: Place) -> pa.Table:
    try:
        table: pa.Table = pa.ipc.open_file(path.read()).read_all()
        return table
    except pa.ArrowInvalid as error:
        raise DataError(f"{path} is damaged ({error}). Remove it: its rows are embedded again.") from error
