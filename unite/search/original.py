"""The medium that a row of a corpus was made of, read again from where it lies."""

from __future__ import annotations

import io
import mimetypes
import tempfile
import threading
from functools import lru_cache
from pathlib import Path

from PIL import Image

from unite.config.schema.embed import ColumnsConfig
from unite.config.schema.media import Decoding
from unite.data.rows import StoredMedium
from unite.errors import DataError
from unite.search.corpus.rows import CorpusSource, MediumAt
from unite.search.corpus.sources import open_source
from unite.search.hits import Hit
from unite.types import Modality

#: A shard or a table that is open is read by one thread at a time.
_reading = threading.Lock()
#: Of a clip whose name does not tell.
_ANY_CLIP = "video/mp4"


def original_of(row: Hit, decoding: Decoding) -> tuple[bytes, str] | None:
    """Returns the bytes of a row's first medium and their MIME type, `image/...` or `video/...`; None if it has none, or it is gone.

    Of a shard's sample it is the first medium of the row that was embedded, of a table's row what the column says that names itself
    (`image`, `video`): which other column it was is not kept.

    Args:
        row: with its source.
        decoding: of the corpus; a video that is a folder of frames is read by it.
    """
    if row.medium is None:
        return None
    try:
        with _reading:
            medium = _medium_at(row.source)
            stored = None if medium is None else medium.read(decoding)
    except (DataError, OSError):
        return None
    return None if stored is None else (stored.data, _mime_of(stored))


def _medium_at(source: str) -> MediumAt | None:
    address, mark, place = source.rpartition("#")
    if not mark or Path(source).is_file():
        return MediumAt(None, source)
    if "://" in source or not Path(address).exists():
        return None
    opened, places = _opened(address, Path(address).stat().st_mtime_ns)
    position = places.get(place, int(place) if not places and place.isdecimal() else None)
    if position is None or position >= len(opened):
        return None
    media = opened.row(position).media
    return media[0] if media else None


@lru_cache(maxsize=32)
def _opened(address: str, modified: int) -> tuple[CorpusSource, dict[str, int]]:
    """Returns a shard or a table, and of a shard the positions by key; again when it changed."""
    with tempfile.TemporaryDirectory() as scratch:
        source = open_source(address, ColumnsConfig(), Path(scratch))
    is_shard = address.endswith(".tar")
    return source, {key.id.rpartition("#")[2]: position for position, key in enumerate(source.survey())} if is_shard else {}


def _mime_of(medium: StoredMedium) -> str:
    """Returns the MIME type, by the suffix where that names a medium of the kind, otherwise by the bytes."""
    word = str(medium.modality)
    named = mimetypes.guess_type(f"x.{medium.extension}")[0] or ""
    if named.startswith(f"{word}/"):
        return named
    if medium.modality is Modality.VIDEO:
        return _ANY_CLIP
    try:
        with Image.open(io.BytesIO(medium.data)) as image:
            return image.get_format_mimetype() or "image/png"
    except (OSError, ValueError):
        return "image/png"
