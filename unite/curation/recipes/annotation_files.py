"""Annotation files by their names: which there are, what format a name stands for, and reading one that is gzipped.

A suffix means the same in capitals, and with `.gz` behind it. A path is first taken as it stands, so that `set[1].csv` is that file; else
it is a glob.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from glob import glob
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, cast

from unite.errors import DataError, must_be

CSV, TSV, LINES, JSON, PARQUET = "CSV", "TSV", "JSON Lines", "JSON", "parquet"
_FORMATS = {".csv": CSV, ".tsv": TSV, ".jsonl": LINES, ".ndjson": LINES, ".jsonlines": LINES, ".json": JSON, ".parquet": PARQUET}
#: Parquet has compression of its own, inside.
FORMATS = (*_FORMATS, *(f"{suffix}.gz" for suffix, name in _FORMATS.items() if name != PARQUET))
TARS = (".tar", ".tar.gz", ".tgz")
#: What is raised on a gzip file that is cut short, damaged, or none.
GZIP_ERRORS = (EOFError, gzip.BadGzipFile, zlib.error)
_MIB = 1 << 20


def find_tars(option: str, pattern: str | Path) -> list[Path]:
    """Returns a tar, those that a glob matches, or those in a folder, gzipped ones too. Raises DataError if there is none."""
    if not Path(pattern).is_dir():
        return find_files(option, pattern)
    found = sorted(path for path in Path(pattern).iterdir() if path.name.lower().endswith(TARS) and not path.name.startswith("."))
    if not found:
        raise DataError(must_be(option, f"a folder with {', '.join(TARS)} files", str(pattern)))
    return found


def find_files(option: str, pattern: str | Path) -> list[Path]:
    """Returns a file, or every file that a glob matches, by name.

    Args:
        option: its name, for the error.
        pattern: the path or glob. In one that matches nothing brackets are taken as they stand: `set[1]/*.csv`.

    Raises:
        DataError: if there is none, or it is a folder.
    """
    if Path(pattern).is_dir():
        hint = f"Name the files in it: {Path(pattern) / '*.jsonl'}."
        raise DataError(must_be(option, "a file or a glob of files", f"{pattern}, a folder", hint))
    found = [str(pattern)] if Path(pattern).is_file() else sorted(glob(str(pattern), recursive=True))
    paths = [Path(name) for name in found or sorted(glob(str(pattern).replace("[", "[[]"), recursive=True))]
    if not paths:
        raise DataError(must_be(option, "an existing file or a glob that matches some", str(pattern)))
    return paths


@lru_cache
def format_of(path: Path) -> str:
    """Returns the format that a name stands for, "" if none."""
    name = path.name.lower().removesuffix(".gz")
    suffix = Path(name).suffix
    return _FORMATS.get(suffix, "") if is_gzipped(path) <= (suffix != ".parquet") else ""


def is_gzipped(path: Path) -> bool:
    """Whether the name says that it is."""
    return path.suffix.lower() == ".gz"


def open_file(path: Path) -> BinaryIO:
    """Opens a file, or what is in a gzipped one. To go back in that one means reading it from its beginning."""
    return cast(BinaryIO, gzip.open(path)) if is_gzipped(path) else path.open("rb")


@contextmanager
def reading(path: Path) -> Iterator[BinaryIO]:
    """Opens a file. Raises DataError if it is gzipped by name only, or cut short."""
    with open_file(path) as file, whole_gzip(path):
        yield file


@contextmanager
def whole_gzip(path: Path) -> Iterator[None]:
    """Raises DataError if what is unpacked in it is cut short, damaged, or no gzip file."""
    try:
        yield
    except GZIP_ERRORS as error:
        raise DataError(f"{path} is no whole gzip file ({error}). Copy or write it again.") from error


def fingerprint_files(paths: Iterable[Path]) -> str:
    """Returns a digest over name, size, first and last MiB of each file: cheap for any size, and changed by an edit that keeps neither."""
    digest = blake2b(digest_size=16)
    for path in paths:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_MIB)
            file.seek(max(size - _MIB, 0))
            digest.update(f"{path.name}:{size}:".encode(errors="backslashreplace") + head + file.read(_MIB))
    return digest.hexdigest()
