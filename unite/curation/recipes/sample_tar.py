"""A tar of samples that somebody else wrote, gzipped or not: what is in it, and its members at any place.

What is gzipped is unpacked to a temporary file (in $TMPDIR), since samples are read by where they lie: once a process, for as long as it
reads from that tar. Of others the headers alone are read to list them.
"""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
import tempfile
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, cast

from unite.curation.recipes.annotation_files import GZIP_ERRORS, whole_gzip
from unite.data.samples import Sample, group
from unite.data.tar_members import HEAD, Leftover, Member, check_end, check_names, compression_of, members_of
from unite.errors import DataError, SkippedRowError, must_be

#: Bytes that a gzipped member may become: a few bytes can unpack to any number.
_MAX_MEMBER = 1 << 28
_CHUNK = 1 << 20


class SampleTar:
    """The samples of one tar, and what is of none.

    Args:
        path: of the tar; its first bytes tell whether it is gzipped, whatever its name.
        name: what it is called beside its rows.

    Raises:
        DataError: where it is opened, if it is no whole tar or holds a member that would leave its folder.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name

    @cached_property
    def samples(self) -> list[Sample]:
        """In the order of their first members."""
        return self._listed[0]

    @cached_property
    def left(self) -> list[Leftover]:
        """Members that are of no sample."""
        return self._listed[1]

    def read(self, extension: str, member: Member) -> bytes:
        """Returns what a member holds, see `unpacked`."""
        self._file.seek(member.offset)
        return unpacked(f"{self.name}/{member.name}", extension, self._file.read(member.size))

    @cached_property
    def _file(self) -> BinaryIO:
        file = self.path.open("rb")
        compressed = compression_of(file.read(HEAD))
        if not compressed:
            return file
        if compressed != "gzip":
            raise DataError(must_be(str(self.path), "a tar, or one compressed by gzip", f"compressed by {compressed}", "Unpack it."))
        whole = cast(BinaryIO, tempfile.TemporaryFile(prefix="unite-"))  # noqa: SIM115  it stays open
        with whole_gzip(self.path), file, gzip.open(self.path) as packed:
            shutil.copyfileobj(packed, whole, _CHUNK)
        return whole

    @cached_property
    def _listed(self) -> tuple[list[Sample], list[Leftover]]:
        self._file.seek(0)
        try:
            with tarfile.open(fileobj=self._file, mode="r:") as tar:
                members, left = members_of(tar)
                end = tar.offset
        except (tarfile.TarError, EOFError) as error:
            raise DataError(f"{self.path} is not a whole tar file ({error}). Copy or write it again.") from error
        check_end(str(self.path), end, *self._used(end))
        check_names(str(self.path), members)
        samples, of_none = group(members)
        return samples, [*left, *of_none]

    def _used(self, start: int) -> tuple[int, int]:
        """Returns where the last byte that is not zero ends, and the length, looking on from a place."""
        used = place = self._file.seek(start)
        while data := self._file.read(_CHUNK):
            filled = len(data.rstrip(b"\0"))
            used = place + filled if filled else used
            place += len(data)
        return used, place


def unpacked(where: str, extension: str, data: bytes) -> bytes:
    """Returns what a member holds: unpacked where its extension ends with `gz`, as webdataset does.

    Raises:
        SkippedRowError: if that is no whole gzip file, or unpacks to more than 256 MiB.
    """
    if not is_packed(extension):
        return data
    try:
        with gzip.open(io.BytesIO(data)) as file:
            found = file.read(_MAX_MEMBER + 1)
    except GZIP_ERRORS as error:
        raise SkippedRowError("unreadable file", f"{where} is no whole gzip file ({error})") from error
    if len(found) > _MAX_MEMBER:
        raise SkippedRowError("file too large", f"{where} unpacks to more than {_MAX_MEMBER} bytes")
    return found


def is_packed(extension: str) -> bool:
    """Whether a member is gzipped: `json.gz`, `gz`."""
    return extension.lower().rpartition(".")[2] == "gz"
