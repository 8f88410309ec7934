"""Parquet files of a dataset repository as Hugging Face stores them, one config and split of it.

    <folder>/<config>/<split>-00000-of-00002.parquet     or where the `configs` at the head of <folder>/README.md say they are

A set of shards is whole or none. Columns are read into memory, but those of pictures, which `unite.embedding.parquet` reads one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from huggingface_hub.repocard import metadata_load

from unite.embedding.parquet import ParquetPictures
from unite.evaluation.layouts.shard_files import whole_set
from unite.evaluation.layouts.source import BenchmarkFiles

TEXTS, WHOLE_NUMBERS, NUMBERS, PICTURES = "texts", "whole numbers", "numbers", "pictures"


@dataclass(frozen=True)
class HubTable:
    """One config of a dataset repository.

    Attributes:
        files: of the repository.
        config: its name, for errors too.
        split: `test`, say.
        paths: the shards, in order.
    """

    files: BenchmarkFiles
    config: str
    split: str
    paths: tuple[Path, ...]

    @classmethod
    def open(cls, files: BenchmarkFiles, config: str, split: str) -> HubTable:
        """Finds the shards.

        Raises:
            MissingTaskError: if there is none, or one is missing.
            DataError: if they are of two sets.
        """
        patterns = _patterns(files, config, split) or [f"{config}/{split}-*.parquet"]
        found = {path for pattern in patterns for path in files.folder.glob(pattern) if path.suffix == ".parquet"}
        if not found:
            files.find(patterns[0])  # raises: no file is named like that
        return cls(files, config, split, tuple(whole_set(files, found, config)))

    @cached_property
    def kinds(self) -> dict[str, str]:
        """Column -> what it holds, as one of the constants above or Arrow's name; columns that the shards do not share are left out.

        Raises:
            DataError: if a file is no parquet, or a column is of two kinds.
        """
        kinds: dict[str, str] = {}
        for at, path in enumerate(self.paths):
            with self._reading(path):
                schema = pq.read_schema(path)
            here = {field.name: _kind(field.type) for field in schema}
            kinds = here if at == 0 else {name: kind for name, kind in kinds.items() if name in here}
            for name, kind in kinds.items():
                if here[name] != kind:
                    actual = f"{kind} in {self.paths[0].name} and {here[name]} in {path.name}"
                    raise self.files.broken(f"the column {name!r} of {self.config}", "of one kind in all files", actual)
        return kinds

    def check(self, column: str, *wanted: str) -> str:
        """Returns what a column holds. Raises DataError, which lists the columns, if it is not there or of another kind."""
        if column not in self.kinds:
            found = ", ".join(self.kinds)
            hint = "Other names are told by the task's option `columns`."
            raise self.files.broken(f"the columns of {self.config}", f"such that {column!r} is among them", found, hint)
        if self.kinds[column] not in wanted:
            raise self.files.broken(f"the column {column!r} of {self.config}", " or ".join(wanted), self.kinds[column])
        return self.kinds[column]

    def column(self, name: str, *wanted: str) -> list[Any]:
        """Returns the values of a column. Raises DataError as `check`, and if one is null or cannot be read."""
        self.check(name, *wanted)
        values: list[Any] = []
        for path in self.paths:
            with self._reading(path):
                values += pq.read_table(path, columns=[name], partitioning=None).column(0).to_pylist()
        if None in values:
            raise self.files.broken(f"the column {name!r} of {self.config}", "filled", f"null in row {values.index(None)}")
        return values

    def pictures(self, name: str) -> ParquetPictures:
        """Returns the pictures of a column, none of them read."""
        self.check(name, PICTURES)
        return ParquetPictures(self.paths, name)

    @contextmanager
    def _reading(self, path: Path) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:  # Arrow's errors, and of texts that are no UTF-8
            raise self.files.broken(f"the file {path}", "parquet, whole", " ".join(str(error).split()), "Download it again.") from error


def _patterns(files: BenchmarkFiles, config: str, split: str) -> list[str]:
    """Returns where README.md says that the files are; nothing if it says nothing."""
    readme = files.folder / "README.md"
    try:
        configs = (metadata_load(readme) or {}).get("configs") or [] if readme.is_file() else []
        given = [one["data_files"] for one in configs if one["config_name"] == config]
        of_split = [one["path"] for data_files in given for one in data_files if one["split"] == split]
        paths = [path for one in of_split for path in ([one] if isinstance(one, str) else one)]
    except (OSError, ValueError, LookupError, TypeError, AttributeError, yaml.YAMLError):
        return []  # it is written for people, and need not say it
    return [path for path in paths if not path.startswith("/") and ".." not in path.split("/")]


def _kind(kind: pa.DataType) -> str:
    """Returns what a column of that type holds."""
    if pa.types.is_dictionary(kind):  # pandas' categories
        kind = kind.value_type
    if pa.types.is_struct(kind) and "bytes" in {field.name for field in kind.fields}:
        return PICTURES
    tests = {
        TEXTS: (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view),
        WHOLE_NUMBERS: (pa.types.is_integer,),
        NUMBERS: (pa.types.is_floating,),
    }
    return next((name for name, ones in tests.items() if any(one(kind) for one in ones)), str(kind))
