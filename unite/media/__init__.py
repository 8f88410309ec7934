"""Media, one file a kind: all that the rest of the house asks of an image or a video.

    bytes -> decode -> Medium -> encoder's processor                          (training, evaluation, search)
    RawMedium -> load -> LoadedMedium -> .ready -> bytes in a shard           (curation)
    Medium -> blank, preview                                                  (diagnosis, failures)

    from unite.media import kind_of

    medium = kind_of(Modality.VIDEO).decode(Path("clip.mp4").read_bytes(), Decoding())

Another kind is another file here and a line in `KINDS`; its modality and what its decoded form must be in `unite/types.py`; its limits in
`unite/config/schema/media.py`; and a family of encoders that reads it, in `unite/encoder/families/`. `picture` holds what images and frames
share, `ready` what any medium of a raw collection goes through.
"""

from __future__ import annotations

import mimetypes
from pathlib import Path, PurePath

from unite.config.schema.media import Decoding
from unite.errors import DataError, must_be_one_of
from unite.media.image import ImageKind
from unite.media.kind import Kind
from unite.media.video import VideoKind
from unite.types import Modality

__all__ = ["KINDS", "Kind", "decoding_key", "fault_of", "kind_of", "kind_of_bytes", "kind_of_file"]

#: Every kind, in the order in which the prompt names them.
KINDS: tuple[Kind, ...] = (ImageKind(), VideoKind())
_OF_MODALITY = {kind.modality: kind for kind in KINDS}


def kind_of(modality: Modality) -> Kind:
    """Returns the kind of media of one modality. Raises DataError if it is none of media."""
    if modality not in _OF_MODALITY:
        raise DataError(must_be_one_of("the modality of a medium", map(str, _OF_MODALITY), str(modality)))
    return _OF_MODALITY[modality]


def kind_of_file(path: str | PurePath) -> Kind | None:
    """Returns the kind that a file's suffix tells (by its MIME type where the suffix is none of the usual ones), or None."""
    suffix = PurePath(path).suffix.lstrip(".").lower()
    mime = (mimetypes.guess_type(str(path))[0] or "").partition("/")[0]
    return next((kind for kind in KINDS if suffix in kind.suffixes), next((kind for kind in KINDS if mime == kind.word), None))


def fault_of(path: Path) -> str:
    """Returns what is missing of a medium on disk, of whatever kind it is meant to be, as `Kind.fault` does."""
    fault = ""
    for kind in KINDS:
        if not (fault := kind.fault(path)):
            return ""
    return fault


def kind_of_bytes(data: bytes) -> Kind | None:
    """Returns the kind of media that bytes are a file of, or None; an animated picture is an image."""
    return next((kind for kind in KINDS if kind.recognises(data)), None)


def decoding_key(modality: Modality, decoding: Decoding) -> str:
    """Returns what the pixels of a medium follow from beside its bytes: a rule's name for an image, the picking of frames for a video.

    A fusion's is that of all its parts; limits do not count, since what is beyond them is refused.
    """
    return "".join(kind.decoding_key(decoding) for kind in KINDS if kind.modality in modality)
