"""What a user names as a corpus: which kind of source each address is."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from glob import glob, has_magic
from pathlib import Path

from fsspec.core import url_to_fs

from unite.config.schema.embed import ColumnsConfig
from unite.curation.recipes.annotation_files import format_of
from unite.curation.recipes.table_files import open_paths
from unite.data.address import Address, named_errors
from unite.embedding.addresses import path_of_uri
from unite.errors import ConfigError, DataError, first_of, must_be
from unite.files import whole_file
from unite.search.corpus.corpus import KNOWN, Corpus
from unite.search.corpus.folder import SUFFIXES, FolderSource
from unite.search.corpus.lance_table import LanceTable
from unite.search.corpus.rows import CorpusSource
from unite.search.corpus.shards import ShardSource
from unite.search.corpus.tables import TableSource
from unite.types import fingerprint

log = logging.getLogger(__name__)

#: An address, several, or several by name; whoever knows more of one than its address tells gives its source instead.
Named = str | Sequence[str] | Mapping[str, "str | CorpusSource"]


def open_corpus(corpus: Named, columns: ColumnsConfig, scratch: Path) -> Corpus:
    """Opens what a user names as a corpus.

    Args:
        corpus: an address, several, or several by name; a source by name is taken as it is.
        columns: which columns of tables are what.
        scratch: a folder where copies of tables from a store are kept.

    Raises:
        ConfigError: if there is no such place, or it is of no known kind, or its columns are not as they were told.
        DataError: if one cannot be read.
    """
    if isinstance(corpus, Mapping):
        named: list[tuple[str, str | CorpusSource]] = [(str(name), address) for name, address in corpus.items()]
    else:
        named = [("", str(address)) for address in ([corpus] if isinstance(corpus, str | Path) else corpus)]
    if not named:
        raise ConfigError(must_be("corpus", "at least one address", "none"))
    sources = []
    for name, address in named:
        source = open_source(address, columns, scratch) if isinstance(address, str) else address
        if isinstance(source, TableSource):
            guessed = f" ({', '.join(source.chosen.guessed)} guessed by name)" if source.chosen.guessed else ""
            log.info("%s: %s%s", address, source.chosen.told(), guessed)
        sources.append((name, source))
    return Corpus(sources)


def open_source(address: str, columns: ColumnsConfig, scratch: Path) -> CorpusSource:
    """Opens one address, see `open_corpus`."""
    if address.lower().startswith("file:"):
        address = str(path_of_uri(address))
    if "://" in address:
        return _in_store(address, columns, scratch)
    return _on_disk(str(Path(address).absolute()), columns)  # what is stored of it is read from other folders too


def _on_disk(address: str, columns: ColumnsConfig) -> CorpusSource:
    path = Path(address)
    if not path.exists():
        found = sorted(Path(name) for name in glob(address, recursive=True)) if has_magic(address) else []
        if not found:
            raise ConfigError(must_be("corpus", KNOWN, f"{address}, which is not there"))
        if all(one.suffix.lower() == ".tar" for one in found):
            return ShardSource(address, columns)
        return _tables(address, found, columns)
    if path.is_file():
        return ShardSource(address, columns) if path.suffix.lower() == ".tar" else _tables(address, [path], columns)
    lance = path if (path / "_versions").is_dir() else _only_lance(path)
    if lance is not None:
        table = LanceTable(lance)
        return TableSource(address, [table], columns, _media_root(columns) or str(lance.parent))
    if _holds(path, {".tar"}) and not _holds(path, SUFFIXES):
        return ShardSource(address, columns)
    folder = FolderSource(address)
    if len(folder):
        return folder
    tables = [one for one in sorted(path.iterdir()) if one.is_file() and format_of(one)]
    if not tables:
        raise DataError(must_be("corpus", KNOWN, f"{address}, a folder with nothing of the kind"))
    return _tables(address, tables, columns)


def _in_store(address: str, columns: ColumnsConfig, scratch: Path) -> CorpusSource:
    with named_errors(address):
        store, path = url_to_fs(address)
        store.invalidate_cache()
        if address.lower().endswith(".tar") or (has_magic(path) and path.endswith(".tar")):
            return ShardSource(address, columns)
        if store.isfile(path):
            found = [address]
        else:
            found = [str(store.unstrip_protocol(name)) for name in sorted(store.glob(path) if has_magic(path) else store.find(path))]
    if any(name.lower().endswith(".tar") for name in found):
        return ShardSource(address, columns)
    tables = [name for name in found if format_of(Path(name))]
    if tables and len(tables) == len(found):
        copies = [_copy(Address(name), scratch) for name in tables]
        base = _media_root(columns) or tables[0].rpartition("/")[0]
        return TableSource(address, open_paths(copies).tables, columns, base, tables[0].rpartition("/")[0])
    if not found:
        raise ConfigError(must_be("corpus", KNOWN, f"{address}, which is not there or empty"))
    folder = FolderSource(address.rstrip("/"))
    if not len(folder):
        raise DataError(must_be("corpus", KNOWN, f"{address}, with nothing of the kind: {first_of(found)}"))
    return folder


def _tables(address: str, paths: Sequence[Path], columns: ColumnsConfig) -> TableSource:
    unknown = next((path for path in paths if path.is_dir() or not format_of(path)), None)
    if unknown is not None:
        raise ConfigError(must_be("corpus", KNOWN, f"{unknown}, {'a folder' if unknown.is_dir() else f'a file {unknown.suffix!r}'}"))
    base = _media_root(columns) or str(paths[0].parent)
    return TableSource(address, open_paths(paths).tables, columns, base)


def _media_root(columns: ColumnsConfig) -> str:
    """Returns the folder of a table's media, "" where none is told; whole, for what is stored of it is read from other folders too."""
    root = columns.media_root
    return str(Path(root).absolute()) if root and "://" not in root else root or ""


def _copy(table: Address, scratch: Path) -> Path:
    """Returns a copy of a table that lies in a store; its time of change tells the version that the store has of it."""
    state = table.state()
    version = fingerprint(state.version) % 2**60
    copy = scratch / f"{fingerprint(table.text):016x}" / table.name
    if not (copy.is_file() and copy.stat().st_size == state.num_bytes and copy.stat().st_mtime_ns == version):
        with whole_file(copy) as partial:
            partial.write_bytes(table.read())
        os.utime(copy, ns=(version, version))
    return copy


def _only_lance(folder: Path) -> Path | None:
    """Returns the table of a LanceDB database that has one, of that of a stored corpus the corpus; None of another folder."""
    tables = [path for path in folder.glob("*.lance") if path.is_dir()]
    corpus = [path for path in tables if path.name == "corpus.lance"]
    return next(iter(corpus or tables), None) if corpus or len(tables) == 1 else None


def _holds(folder: Path, suffixes: frozenset[str] | set[str]) -> bool:
    """Whether a folder or one in it has a file with one of some suffixes; hidden ones do not count."""
    for _, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        if any(Path(name).suffix.lower() in suffixes and not name.startswith(".") for name in names):
            return True
    return False
