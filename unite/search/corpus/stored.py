"""The layout of a stored corpus, written and read: a folder with a LanceDB table, a row a content, and what made it.

    corpus.json     what made it: the encoder, how it read, how vectors are kept, from which sources
    sample.lance    where vectors are kept smaller: some of them in float32, to tell what that costs
    corpus.lance    the table `corpus` of the LanceDB database that the folder is

    id            string         unique in the corpus
    source        string         where the content lies: a file's path or address, `shard.tar#key`, `table.parquet#row`
    modality      string         as `str(Modality)`: `text`, `image`, `text+image`
    text          string         its text, "" without one
    fingerprint   int64          of all that reaches the encoder (`LazyContent.fingerprint`)
    thumbnail     binary         a little JPEG of its media; null of a text
    size          int64          of its files in bytes, to see a change
    modified      int64          when the last of them was changed, in ns
    vector        W numbers      as `unite.search.corpus.vectors` keeps them
    ...                          the metadata, each column under its own name: string, int64, double or bool

Whoever writes takes the folder's lock (`unite.files.locked`). A reader sees whole transactions of the table.
"""

from __future__ import annotations

import errno
import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from unite.config.schema.vectors import Vectors
from unite.errors import ConfigError, DataError, must_be
from unite.files import read_json, write_json
from unite.search.corpus.rows import as_utf8
from unite.search.corpus.vectors import dtype_of, unpack, width_of

if TYPE_CHECKING:
    from lancedb.table import Table

log = logging.getLogger(__name__)

#: Changes where the layout does.
FORMAT = 1
TABLE, SAMPLE, FACTS = "corpus", "sample", "corpus.json"
#: What Lance ends its files with, and how it tells of an error of the system.
_MAGIC, _OS_ERROR = b"LANC", re.compile(r"\(os error (\d+)\)")
_OWN = {
    **{name: pa.string() for name in ("id", "source", "modality", "text")},
    **{"fingerprint": pa.int64(), "thumbnail": pa.binary(), "size": pa.int64(), "modified": pa.int64()},
}
#: Names that no column of metadata may have: our own, and those that LanceDB adds to what it finds.
RESERVED = frozenset((*_OWN, "vector", "_distance", "_score", "_relevance_score", "_rowid", "_rowaddr", "_rowoffset"))
#: Signs that LanceDB has no spelling for in the name of a column.
_UNNAMED = re.compile("[.`\\0\ud800-\udfff]")
#: Types of metadata, by the name that `StoredCorpus.columns` tells.
TYPES = {"string": pa.string(), "int64": pa.int64(), "double": pa.float64(), "bool": pa.bool_()}


@dataclass(frozen=True)
class CorpusFacts:
    """What made a corpus.

    Attributes:
        encoder: what a person calls the encoder (`unite.checkpoints.checkpoint_label`).
        checkpoint: its address, as it was given.
        encoder_fingerprint, prompt_fingerprint: of `unite.embedding.fingerprints`, as 16 hexadecimal digits.
        checkpoint_state: by which the checkpoint's files are known to be the same without being read; "" of none.
        dim: D of an embedding.
        vectors: how they are kept.
        instruction: what every content was embedded with.
        embedded: of a row with a text and media, `both` or the `media` alone.
        decoding: how media were decoded, the options by name.
        sources: the addresses of what is in it, as they were given.
        rows: how many there are.
        is_whole: whether the last call that wrote to it came to its end.
        recall_at_10: share of the 10 nearest by float32 vectors that those that are kept find too, on a sample; None where not measured.
    """

    encoder: str
    checkpoint: str
    encoder_fingerprint: str
    prompt_fingerprint: str
    dim: int
    vectors: Vectors = Vectors.float32
    checkpoint_state: str = ""
    instruction: str = ""
    embedded: str = "both"
    decoding: Mapping[str, Any] = field(default_factory=dict)
    sources: Sequence[str] = ()
    rows: int = 0
    is_whole: bool = False
    recall_at_10: float | None = None


def hexadecimal(fingerprint: int) -> str:
    """Returns a fingerprint as the facts tell it."""
    return f"{fingerprint:016x}"


class StoredCorpus:
    """A stored corpus that is there.

    Attributes:
        folder: where it lies.
        facts: what made it.

    Raises:
        DataError: if there is none, or it is of another version or damaged.
        ConfigError: if LanceDB is not installed.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.facts = _read_facts(self.folder)
        self.table = _opened(self.folder)

    @classmethod
    def create(cls, folder: str | Path, facts: CorpusFacts, columns: Mapping[str, str]) -> StoredCorpus:
        """Makes an empty one. A table without facts, of a call that was killed in between, is replaced.

        Args:
            folder: where to.
            facts: what makes it.
            columns: of the metadata, and their types (`TYPES`).
        """
        folder = Path(folder)
        schema = schema_of(facts, columns)
        folder.mkdir(parents=True, exist_ok=True)
        database = _connect(folder)
        if TABLE in database.list_tables().tables:
            database.drop_table(TABLE)
        with _errors_of_the_system(folder):
            database.create_table(TABLE, schema=schema)
        write_json(folder / FACTS, {"format": FORMAT, **asdict(facts)})
        return cls(folder)

    @staticmethod
    def is_in(folder: str | Path) -> bool:
        """Whether there is one in a folder, finished or not."""
        return (Path(folder) / FACTS).is_file()

    def __len__(self) -> int:
        return int(self.table.count_rows())

    @property
    def schema(self) -> pa.Schema:
        """Of the whole table."""
        return cast(pa.Schema, self.table.schema)

    @property
    def columns(self) -> dict[str, str]:
        """The metadata's columns and their types (`string`, `int64`, `double`, `bool`)."""
        return {column.name: str(column.type) for column in self.schema if column.name not in RESERVED}

    @cached_property
    def modalities(self) -> list[str]:
        """Those that its rows have, by name."""
        return sorted({name for batch in self.batches(["modality"]) for name in batch.column(0).unique().to_pylist()})

    def check_made_by(self, encoder_fingerprint: int, prompt_fingerprint: int) -> None:
        """Raises DataError if another encoder made it, or the same that read contents otherwise."""
        for what, known, given in (
            ("the encoder", self.facts.encoder_fingerprint, encoder_fingerprint),
            ("how the encoder reads (its prompt, limits or tokenizer)", self.facts.prompt_fingerprint, prompt_fingerprint),
        ):
            if known != hexadecimal(given):
                hint = f"Vectors of two encoders cannot be compared: take {self.facts.checkpoint}, or another folder."
                made = f"{self.facts.encoder}, {known}"
                raise DataError(must_be(what, f"that which made the corpus in {self.folder} ({made})", hexadecimal(given), hint))

    def batches(self, columns: Sequence[str], where: str = "", num_rows: int = 8192) -> Iterator[pa.RecordBatch]:
        """Yields all rows in the table's order, some columns of them.

        Args:
            columns: which.
            where: a filter in SQL, as LanceDB reads it; "" is none.
            num_rows: of a batch at most.
        """
        query = self.table.search().select(list(columns))
        yield from (query.where(where) if where else query).to_batches(num_rows)

    def read(self, columns: Sequence[str], where: str = "") -> pa.Table:
        """Returns all rows, or those of a filter, some columns of them, in the table's order: of one call they fit each other."""
        kept = pa.schema([self.schema.field(name) for name in columns])
        return pa.Table.from_batches(list(self.batches(columns, where)), kept)

    def rows(self, ids: Sequence[str], columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """Returns rows by their ids, in the order asked for, without their vectors unless these are asked for.

        Raises:
            DataError: if one is not there.
        """
        names = [name for name in self.schema.names if name != "vector"] if columns is None else ["id", *columns]
        found: dict[str, dict[str, Any]] = {}
        for batch in self.batches(list(dict.fromkeys(names)), where=f"id IN ({_quoted(ids)})") if ids else ():
            found |= {row["id"]: row for row in batch.to_pylist()}
        missing = next((id for id in ids if id not in found), None)
        if missing is not None:
            raise DataError(must_be("an id", f"that of a row of {self.folder}", missing))
        return [found[id] for id in ids]

    def kept_vectors(self, rows: pa.Table | pa.RecordBatch) -> NDArray[Any]:
        """Returns the vectors (N, W) of rows that were read with their column `vector`, as they are kept."""
        return _matrix(rows.column("vector"), dtype_of(self.facts.vectors), width_of(self.facts.vectors, self.facts.dim))

    def embeddings(self, rows: pa.Table | pa.RecordBatch) -> NDArray[np.float32]:
        """Returns the vectors of rows that were read with their column `vector` as embeddings of unit length, (N, D) float32."""
        return unpack(self.kept_vectors(rows), self.facts.vectors, self.facts.dim)

    def put(self, rows: pa.Table) -> None:
        """Adds rows, which replace those of the same ids: in one transaction. Their ids must differ among themselves.

        Raises:
            OSError: if they cannot be written, whole: a full disk, say. The table is as it was.
        """
        if not len(self):
            self.add(rows)
            return
        with self._written():
            whole = self.table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all()
            whole.execute(_as_schema(rows, self.schema))

    def add(self, rows: pa.Table) -> None:
        """Adds rows whose ids are known to be new, which is faster than `put`. Raises OSError as `put` does."""
        with self._written():
            self.table.add(_as_schema(rows, self.schema))

    def drop(self, ids: Sequence[str], at_once: int = 5000) -> None:
        """Removes rows by their ids. Raises OSError as `put` does."""
        for start in range(0, len(ids), at_once):
            with self._written():
                self.table.delete(f"id IN ({_quoted(ids[start : start + at_once])})")

    @contextmanager
    def _written(self) -> Iterator[None]:
        """Makes sure that a transaction is on disk: Lance was seen to take a file for whole that the system had cut short."""
        self.__dict__.pop("modalities", None)
        version, before = self.table.version, set(self._data_files())
        with _errors_of_the_system(self.folder):
            yield
        if cut := [path for path in self._data_files() if path not in before and not _is_whole(path)]:
            self.table.restore(version)
            for path in cut:
                path.unlink()
            raise OSError(errno.ENOSPC, "a file of the table was not written whole", str(cut[0]))

    def _data_files(self, table: str = TABLE) -> Iterator[Path]:
        return (self.folder / f"{table}.lance" / "data").glob("*.lance")

    def put_exact(self, rows: pa.Table) -> None:
        """Keeps the exact vectors of some rows: `id`, `fingerprint`, `exact` (D numbers as float32 bytes)."""
        if not len(rows):
            return
        database = _connect(self.folder)
        with _errors_of_the_system(self.folder):
            if SAMPLE in database.list_tables().tables:
                sample = database.open_table(SAMPLE)
                sample.merge_insert("id").when_matched_update_all().when_not_matched_insert_all().execute(rows)
            else:
                database.create_table(SAMPLE, rows)
        if cut := [path for path in self._data_files(SAMPLE) if not _is_whole(path)]:
            log.warning("%s was not written whole: the exact vectors by which recall is measured are forgotten.", cut[0])
            database.drop_table(SAMPLE)

    def exact(self) -> pa.Table:
        """Returns `id`, `fingerprint`, `exact` of the rows whose exact vectors are kept, some of which may be gone or have changed."""
        database = _connect(self.folder)
        if SAMPLE not in database.list_tables().tables:
            return pa.table({"id": pa.array([], pa.string()), "fingerprint": pa.array([], pa.int64()), "exact": pa.array([], pa.binary())})
        try:
            return database.open_table(SAMPLE).to_arrow()
        except RuntimeError as error:  # a full disk cut it: it is no more than a sample
            log.warning("the exact vectors by which recall is measured cannot be read (%s): they are forgotten.", error)
            database.drop_table(SAMPLE)
            return self.exact()

    def add_columns(self, columns: Mapping[str, str]) -> None:
        """Adds columns of metadata, empty in the rows that there are."""
        if columns:
            self.table.add_columns(pa.schema([pa.field(name, TYPES[kind]) for name, kind in columns.items()]))

    def note(self, **facts: Any) -> None:
        """Changes some of the facts."""
        self.facts = replace(self.facts, **facts)
        write_json(self.folder / FACTS, {"format": FORMAT, **asdict(self.facts)})

    def optimize(self) -> None:
        """Gathers what many transactions wrote, and frees what no row uses any more. Raises OSError as `put` does."""
        with self._written():
            self.table.optimize()


@contextmanager
def _errors_of_the_system(folder: Path) -> Iterator[None]:
    """Raises what the system says as such: Lance wraps it."""
    try:
        yield
    except RuntimeError as error:
        if (found := _OS_ERROR.search(str(error))) is None:
            raise
        raise OSError(int(found[1]), os.strerror(int(found[1])), str(folder)) from error


def _is_whole(path: Path) -> bool:
    """Whether a file of a table ends as Lance ends one."""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - len(_MAGIC), 0))
        return file.read() == _MAGIC


def schema_of(facts: CorpusFacts, columns: Mapping[str, str]) -> pa.Schema:
    """Returns the table's schema. Raises ConfigError if a column of metadata has a name of the corpus's own."""
    check_names(columns)
    vector = pa.list_(pa.from_numpy_dtype(dtype_of(facts.vectors)), width_of(facts.vectors, facts.dim))
    own = {**_OWN, "vector": vector}
    return pa.schema([pa.field(name, kind) for name, kind in {**own, **{name: TYPES[kind] for name, kind in columns.items()}}.items()])


def check_names(columns: Iterable[str]) -> None:
    """Raises ConfigError if a column of metadata has a name of our own, or one that LanceDB cannot store or filter by."""
    taken = [name for name in columns if name in RESERVED or not name.strip() or _UNNAMED.search(name)]
    if taken:
        expected = f"another name than {', '.join(sorted(RESERVED))}, and without a dot, a backtick, a null or half a surrogate pair"
        hint = f"Rename it (columns.rename={{{taken[0]!r}: ...}}) or leave it out (columns.drop=[{taken[0]!r}])."
        raise ConfigError(must_be("a column of metadata", expected, ", ".join(map(as_utf8, taken)), as_utf8(hint)))


def vector_column(kept: NDArray[Any]) -> pa.FixedSizeListArray:
    """Returns vectors as they are kept, (N, W), as a column."""
    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(kept).reshape(-1)), kept.shape[1])


def _matrix(column: Any, dtype: np.dtype[Any], width: int) -> NDArray[Any]:
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    parts = [chunk.flatten().to_numpy(zero_copy_only=False).reshape(-1, width) for chunk in chunks]
    return np.concatenate(parts).astype(dtype, copy=False) if parts else np.empty((0, width), dtype)


def _as_schema(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Returns rows with all columns of the table in its order, empty where they have none."""
    columns = [
        rows.column(name).cast(schema.field(name).type) if name in rows.column_names else pa.nulls(len(rows), schema.field(name).type)
        for name in schema.names
    ]
    return pa.table(columns, schema=schema)


def _quoted(ids: Iterable[str]) -> str:
    return ", ".join("'" + id.replace("'", "''") + "'" for id in ids)


def _read_facts(folder: Path) -> CorpusFacts:
    path = folder / FACTS
    if not path.is_file():
        hint = f"Make one: python -m unite.embed corpus=... checkpoint=... out={folder}."
        raise DataError(must_be("the corpus", f"a folder with {FACTS}", str(folder), hint))
    told = read_json(path, "Make the corpus again in another folder.")
    if told.get("format") != FORMAT:
        hint = "Make it again in another folder, or take the version of unite that made it."
        raise DataError(must_be(f"the format of {path}", str(FORMAT), told.get("format"), hint))
    try:
        known = {field.name for field in fields(CorpusFacts)}
        facts = CorpusFacts(**{name: value for name, value in told.items() if name in known})
        return replace(facts, vectors=Vectors(facts.vectors))
    except (TypeError, ValueError) as error:
        raise DataError(f"{path} is damaged ({error}). Make the corpus again in another folder.") from error


def _opened(folder: Path) -> Table:
    try:
        return cast("Table", _connect(folder).open_table(TABLE))
    except (ValueError, RuntimeError, OSError) as error:  # LanceDB's errors are of these kinds
        raise DataError(
            f"the table of the corpus in {folder} cannot be opened ({error}). Make the corpus again in another folder."
        ) from error


def _connect(folder: Path) -> Any:
    try:
        import lancedb
    except ImportError as error:
        raise ConfigError("a corpus is kept in a LanceDB table, and lancedb is not installed: pip install 'unite[search]'.") from error
    return lancedb.connect(folder)
