"""Pictures and clips that people drop onto the page, in memory for as long as there is room: nothing of them is written.

A search's address names its upload, so that turning pages and going back need no second upload. When the server ends, or others need the
room, it is gone, and the page says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from unite.config.schema.media import Decoding
from unite.errors import DataError, must_be
from unite.search.page.room import Room
from unite.search.server.limits import DECODE_SECONDS
from unite.search.server.uploads import Upload

#: Bytes of all uploads together.
ROOM = 256 << 20


@dataclass(frozen=True)
class Kept:
    """An upload that is kept.

    Attributes:
        upload: as it came.
        preview: a little JPEG of it.
    """

    upload: Upload
    preview: bytes


class Uploads:
    """The uploads, by names that are made of their bytes.

    Args:
        room: bytes of all together; those that were asked for least lately go first.
        decoding: limits of what is decoded.
    """

    def __init__(self, room: int = ROOM, decoding: Decoding | None = None) -> None:
        self._decoding = decoding or Decoding(deadline_seconds=DECODE_SECONDS)
        self._kept: Room[Kept] = Room(room, lambda kept: len(kept.upload.data))

    def keep(self, upload: Upload) -> str:
        """Keeps a medium and returns its name.

        Raises:
            DataError: if it cannot be decoded, or is larger than all may be together.
        """
        name = blake2b(upload.data, digest_size=12).hexdigest()
        if len(upload.data) > self._kept.num_bytes:
            actual = f"of {len(upload.data) >> 20} MB"
            raise DataError(must_be("a picture or clip to search with", f"of at most {self._kept.num_bytes >> 20} MB", actual))
        preview = upload.kind.preview(upload.kind.decode(upload.data, self._decoding))
        self._kept.put(name, Kept(upload, preview))
        return name

    def find(self, name: str) -> Kept:
        """Returns an upload. Raises DataError if it is not there any more."""
        kept = self._kept.find(name)
        if kept is None:
            raise DataError("The picture or clip of this search is not kept any more: drop it again.")
        return kept

    def medium(self, name: str) -> Upload:
        """Returns an upload as it came. Raises DataError if it is not there any more."""
        return self.find(name).upload
