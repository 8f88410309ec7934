"""What people hand over to be embedded: texts, pictures, videos in whatever form a program has them, and mixes of these.

    item -> GivenItem: told what it is, and that it can be embedded; nothing is read -> read: a content as it lies in a shard

So all that is wrong with a list is told before its first item is embedded, and of a long list the media of a few are in memory at a time.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Iterable, Iterator, Mapping, Sized
from functools import partial
from io import IOBase
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from PIL import Image

from unite.data.rows import NamedContent
from unite.embedding.addresses import Address, address_of
from unite.embedding.medium import GivenMedium, MediumLike, Reading, is_frames
from unite.errors import DataError, UniteError, gathered, must_be, must_be_one_of, raise_all
from unite.media import KINDS, Kind
from unite.media.arrays import is_array
from unite.types import Modality, escape_places

#: A text, a medium, or several of them by name: `text`, `image`, `video` (one medium or a list of them), `instruction`. None and NaN, as
#: pandas writes an empty field, are nothing.
Item: TypeAlias = "MediumLike | Mapping[str, Any]"

_KEYS = ("text", *(kind.word for kind in KINDS), "instruction")
_EXPECTED = f"a text, a Path, bytes, a Pillow image, an array, a list of frames or a mapping of {', '.join(_KEYS)}"
#: Characters of a text or a file's name that the name of an item shows.
_SHOWN = 40
_OPEN_FILE = "Of an open file pass its bytes, file.read(), or the list of its texts, file.read().splitlines()."
#: Of the items that cannot be embedded, so many are told at once.
_MOST_TOLD = 20


def is_one_item(inputs: Any) -> bool:
    """Whether it is one item and not a collection of them. Raises DataError if it is neither."""
    if hasattr(inputs, "columns"):
        hint = 'Of a table, pass a column, or its rows: table.to_dict("records").'
        raise DataError(must_be("inputs", "an item, or a list or another iterable of items", type(inputs).__name__, hint))
    if isinstance(inputs, str | bytes | bytearray | memoryview | Path | Image.Image | Mapping):
        return True
    if is_array(inputs):  # of texts it is a list of them
        is_one = getattr(inputs.dtype, "kind", "") not in ("U", "T", "O")
        if not is_one and not inputs.ndim:
            raise DataError(must_be("inputs", "an item, or a list of items", "an array without axes", "Pass what it holds: inputs.item()."))
        return is_one
    if isinstance(inputs, IOBase):
        raise DataError(must_be("inputs", "an item, or a list of items", type(inputs).__name__, _OPEN_FILE))
    if not isinstance(inputs, Iterable) or isinstance(inputs, set | frozenset):
        raise DataError(must_be("inputs", "an item, or a list or another iterable of items", type(inputs).__name__))
    return False


def given_items(inputs: Any, reading: Reading) -> Iterable[GivenItem]:
    """Returns the items as what they are: a list of them all at once, so that all that is wrong is told in one go, others one by one.

    Raises:
        DataError: if one of a list cannot be embedded.
        CollectedError: if several cannot.
    """
    one_by_one = (partial(GivenItem, item, reading, f"item {position}") for position, item in enumerate(inputs))
    if not isinstance(inputs, Sized):
        return (make() for make in one_by_one)
    items: list[GivenItem] = []
    faults: list[UniteError] = []
    for make in one_by_one:
        with gathered(faults):
            items.append(make())
        if len(faults) == _MOST_TOLD:
            break
    raise_all(faults)
    return items


class GivenItem:
    """An item of which it is told what it is.

    Args:
        item: see `Item`.
        reading: how it is read.
        name: what to call it in an error, before a few words on what it is.

    Attributes:
        name: with these words.
        media: of it, in the order of their kinds.

    Raises:
        DataError: if it cannot be embedded, or is a file's name or an address as if it were a text.
    """

    def __init__(self, item: Any, reading: Reading, name: str) -> None:
        self.name = f"{name} ({_shown(item)})"
        self._reading = reading
        fields = self._fields(item)
        self._text = self._text_of(fields, "text")
        self._instruction = self._text_of(fields, "instruction") or reading.instruction
        self.media = [GivenMedium.of(*medium, reading) for medium in self._media_of(fields)]
        if not self.media and not self._text.strip():
            raise DataError(must_be(self.name, "a text, a medium or both", "empty"))

    def read(self) -> NamedContent:
        """Reads its media. Raises DataError if one cannot be read; it is named."""
        media = tuple(medium.read(self._reading) for medium in self.media)
        if self._reading.has_places:
            return NamedContent(self._text, media, self._instruction, name=self.name)
        return NamedContent(escape_places(self._text), media, escape_places(self._instruction), name=self.name)

    def _fields(self, item: Any) -> Mapping[str, Any]:
        """Returns the parts of an item by their names, "" for a medium that tells its kind."""
        if isinstance(item, str):
            return {"" if self._is_medium(item) else "text": item}
        if isinstance(item, Mapping):
            for key in item:
                if key not in _KEYS:
                    raise DataError(must_be_one_of(f"a key of {self.name}", _KEYS, key))
            return item
        if isinstance(item, Path | bytes | bytearray | memoryview | Image.Image) or is_array(item) or is_frames(item):
            return {"": item}
        hint = "A list in the list is a video, its frames Pillow images or arrays." if isinstance(item, list | tuple) else ""
        hint = _OPEN_FILE if isinstance(item, IOBase) else hint
        raise DataError(must_be(self.name, _EXPECTED, type(item).__name__, hint))

    def _is_medium(self, text: str) -> bool:
        """Whether a string is the address of a medium. Raises DataError if it is one that is not plainly meant as such."""
        address = address_of(text)
        if address in (None, Address.data, Address.file) or (address is Address.url and self._reading.allow_urls):
            return address is not None
        is_url = address is Address.url
        found = f"{'a URL' if is_url else 'the name of a file'} as a string"
        hint = f"{'To fetch it pass allow_urls=True' if is_url else 'For the file pass Path(...)'}; for the text {{'text': ...}}."
        raise DataError(must_be(self.name, "plainly a text or a medium", found, hint))

    def _media_of(self, fields: Mapping[str, Any]) -> Iterator[tuple[Any, Kind | None, str]]:
        if "" in fields:
            yield fields[""], None, self.name
        for kind in KINDS:
            media: Any = fields.get(kind.word)
            if _is_missing(media):
                continue
            is_several = isinstance(media, list | tuple) and not (kind.modality is Modality.VIDEO and is_frames(media))
            for medium in media if is_several else (media,):
                yield medium, kind, f"the {kind.word} of {self.name}"

    def _text_of(self, fields: Mapping[str, Any], key: str) -> str:
        value = fields.get(key)
        if _is_missing(value):
            return ""
        if not isinstance(value, str):
            raise DataError(must_be(f"the {key} of {self.name}", "a string", type(value).__name__))
        try:
            value.encode()
        except UnicodeEncodeError as error:  # half of a surrogate pair: no tokenizer takes it
            raise DataError(must_be(f"the {key} of {self.name}", "Unicode", f"{value[:60]!a}, with {error.reason}")) from error
        return value


def _is_missing(value: object) -> bool:
    """Whether a field is empty, which pandas writes as NaN, NaT or, with its own types, NA."""
    is_nan = isinstance(value, float | np.floating) and math.isnan(value)
    return value is None or is_nan or type(value).__name__ in ("NAType", "NaTType")


def _shown(item: Any) -> str:
    """Returns a few words on what an item is."""
    if isinstance(item, str):
        return repr(item) if len(item) <= _SHOWN else f"{item[:_SHOWN]!r}..."
    if isinstance(item, Path):
        return str(item)
    if isinstance(item, Mapping):
        return ", ".join(f"{key} {_shown(part)}" if isinstance(part, Path) else str(key) for key, part in item.items())
    if isinstance(item, Image.Image):
        return f"an image of {item.width} x {item.height}"
    if is_array(item):
        return f"an array of shape {tuple(item.shape)}"
    if isinstance(item, bytes | bytearray | memoryview | list | tuple):
        return f"{type(item).__name__} of {len(item)}"
    return reprlib.repr(item)
