"""What a collection says of one drawing, whichever it is from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Drawing:
    """A drawing, a photograph or an animation, and what people call it.

    Attributes:
        name: unique in its collection: a file's or a code.
        path: of the file.
        caption: in English.
        translations: language (ISO 639-1) -> the caption in it.
        keywords: in English; none where there are none.
    """

    name: str
    path: Path
    caption: str
    translations: Mapping[str, str] = field(default_factory=dict)
    keywords: tuple[str, ...] = ()
