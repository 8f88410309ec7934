"""What a kind of medium is: the one place to look for what has to be written for another."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from unite.config.schema.media import Decoding, MediaPolicy
from unite.files import with_an_end
from unite.media.ready import LoadedMedium, RawMedium
from unite.types import Content, Medium, Modality


@dataclass(frozen=True)
class Measure:
    """A number that the datasheet of a curated set shows the distribution of.

    Attributes:
        name: of the distribution in the sheet, behind the kind's word: `aspect` gives `image_aspect`.
        title, unit: what stands on the page.
        of: the number of one medium, from its facts (`LoadedMedium.facts`).
    """

    name: str
    title: str
    unit: str
    of: Callable[[Mapping[str, Any]], float]


class Kind(ABC):
    """All that is to be known of images, or of videos. It holds no state.

    Attributes:
        modality: of its media; their place in a text follows from it (`Modality.place`).
        suffixes: of its files, the usual ones, in lower case and without dot.
        also: suffixes of another kind's files that it reads where it is asked for: an animated picture is a video, too.
        measures: what the datasheet tells of its media, in the order of the page.
        preview_is_wide: whether a preview takes the room of several pictures side by side.
    """

    modality: ClassVar[Modality]
    suffixes: ClassVar[tuple[str, ...]]
    also: ClassVar[tuple[str, ...]] = ()
    measures: ClassVar[tuple[Measure, ...]] = ()
    preview_is_wide: ClassVar[bool] = False

    @property
    def word(self) -> str:
        """What it is called in the prompt, in the columns of a collection and as the key of an item to embed."""
        return str(self.modality)

    @abstractmethod
    def recognises(self, data: bytes) -> bool:
        """Whether bytes are a file of it, as far as its beginning tells; that it can be decoded is another thing."""

    @abstractmethod
    def decode(self, data: bytes, decoding: Decoding) -> Medium:
        """Decodes a file's bytes. Raises DataError if they are broken, or larger than the limits."""

    def decoding_key(self, decoding: Decoding) -> str:
        """Returns what the decoded medium follows from beside the bytes: settings, or the name of a rule; "" for nothing."""
        return ""

    def encode(self, value: object, decoding: Decoding, where: str) -> tuple[bytes, str] | None:
        """Returns what a program holds decoded (a Pillow image, say) as (bytes, suffix), without loss; None for anything else.

        Raises DataError, in which it is called `where`, if it is larger than the limits or cannot be shown.
        """
        return None

    def fault(self, path: Path) -> str:
        """Returns what is missing of a medium on disk, as words behind its path; "" where it is there. Nothing is opened."""
        return "" if path.is_file() else "not there"

    def state(self, path: Path, decoding: Decoding) -> tuple[object, ...]:
        """Returns what changes when a medium on disk does, without reading it. Raises OSError if it is not there."""
        return file_state(path)

    def size(self, path: Path) -> int:
        """Returns how large a medium on disk is, of which two versions of a benchmark are told apart. Raises OSError if it is not there."""
        return path.stat().st_size

    def read(self, path: Path, decoding: Decoding) -> tuple[bytes, str]:
        """Returns what `decode` takes of a medium on disk, and its suffix. Raises OSError if it cannot be read."""
        return with_an_end(path).read_bytes(), path.suffix.lstrip(".").lower()

    @abstractmethod
    def load(self, raw: RawMedium, policy: MediaPolicy) -> LoadedMedium:
        """Returns a medium of a raw collection within reach; nothing is opened yet."""

    @abstractmethod
    def blank(self, medium: Medium) -> Medium:
        """Returns a medium of the same measures that shows nothing; equal measures give equal fingerprints."""

    @abstractmethod
    def preview(self, medium: Medium) -> bytes:
        """Returns a little JPEG that tells a person what it is."""

    @abstractmethod
    def probes(self) -> tuple[Content, ...]:
        """Returns contents, always the same, by which it is told whether two encoders read this kind alike.

        What an encoder makes of them is part of the key of cached embeddings, so they must show every setting that changes how it reads:
        media above and below its limits, with a text around them and without.
        """


def file_state(path: Path) -> tuple[int, int]:
    """Returns size and time of change of a file. Raises OSError if it is not there."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns
