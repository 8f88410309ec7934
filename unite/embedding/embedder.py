"""A trained encoder for whoever wants vectors: texts, pictures, videos and any mix of them in, (N, D) out.

embedder = Embedder("runs/stage2_mamcl/<run>")
vectors = embedder.embed(["a red bicycle", Path("bicycle.jpg"), {"image": "bicycle.jpg", "text": "make it blue"}])
similarities = vectors @ vectors.T
"""

from __future__ import annotations

import math
import mimetypes
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unite.checkpoints import find_checkpoint
from unite.config.schema.encoder import EncoderConfig
from unite.config.schema.media import Decoding
from unite.data.rows import NamedContent, StoredContent, StoredMedium
from unite.embedding.lazy import LazyContent
from unite.errors import ConfigError, DataError, must_be, must_be_one_of
from unite.media import KINDS, Kind, kind_of_file
from unite.types import Modality, escape_places

if TYPE_CHECKING:
    from torch import Tensor

    from unite.encoder.vlm import VLMEncoder

#: An image or video: a file (a Path, or its name where a medium is asked for), or a Pillow image, which is seen as its file would be:
#: turned by its EXIF tag, for one.
MediumLike: TypeAlias = Path | str | Image.Image
#: A text, a medium, or several of them by name: `text`, `image`, `video` (one medium or a list of them), `instruction`. None and NaN, as
#: pandas writes an empty field, are nothing.
Item: TypeAlias = str | Path | Image.Image | Mapping[str, Any]
#: Characters of a file's name at most, folders and all.
_LONGEST_NAME = 4096
_KEYS = ("text", *(kind.word for kind in KINDS), "instruction")


class Embedder:
    """Embeds items with a checkpoint, in evaluation mode and without gradients.

    The checkpoint is looked for at once and loaded when it is first needed, so a missing one is told before anything else is done.

    Args:
        checkpoint: a run folder, an exported encoder's folder, a PEFT adapter's, or a hub name.
        device: a GPU if there is one by default.
        decoding: how many frames are taken of a video, and what is too large to be decoded.
        token_budget: tokens of a micro-batch, padding included.
        **settings: of `VLMEncoder`, for a checkpoint that does not bring its own (`positions="sequential"`, say), or the `base` of an
            adapter.

    Raises:
        CheckpointError: if there is no such checkpoint.
        ConfigError: if there is no such setting.
    """

    def __init__(
        self,
        checkpoint: str | Path,
        *,
        device: str | None = None,
        decoding: Decoding | None = None,
        token_budget: int = 16384,
        **settings: Any,
    ) -> None:
        known = [field.name for field in fields(EncoderConfig) if field.name not in ("_target_", "path", "checkpoint")]
        for name in settings:
            if name not in known:
                raise ConfigError(must_be_one_of("a setting of the encoder", known, name))
        self._path = find_checkpoint(checkpoint)
        if settings.get("base"):
            settings["base"] = find_checkpoint(settings["base"], "base")
        import torch  # not before: what is wrong with the arguments is told at once

        self._device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.checkpoint = str(checkpoint)
        self.decoding = decoding or Decoding()
        self.token_budget = token_budget
        self.settings = settings

    @property
    def encoder(self) -> VLMEncoder:
        """What embeds, in evaluation mode."""
        return self._encoder

    @cached_property
    def _encoder(self) -> VLMEncoder:  # of a private name: a curation's plan tells the public ones
        from unite.encoder.vlm import VLMEncoder  # imports transformers

        return VLMEncoder(self._path, gradient_checkpointing=False, **self.settings).to(self._device).eval()

    @property
    def dim(self) -> int:
        """D, the width of an embedding."""
        return self.encoder.dim

    def embed(self, items: Iterable[Item], instruction: str = "", *, has_places: bool = False) -> Tensor:
        """Returns (N, D) float32 embeddings of unit length, on the CPU, in the order of the items.

        Equal items are embedded once, and media are read and decoded one after the other, so `items` may be a long generator.

        Args:
            items: see `Item`. A string is a text, never a file's name.
            instruction: what to retrieve for them, for every item that does not bring its own.
            has_places: whether a `<|IMAGE|>` or `<|VIDEO|>` in a text is the place of its medium. By default it is text like any other,
                whoever wrote it, and media stand first.

        Raises:
            DataError: if `items` are a table or one item; if an item is something else, or the name of a file as a string, or it
                cannot be read or embedded; the message names it by its position.
        """
        is_table = hasattr(items, "columns")  # its items would be the names of its columns
        if is_table or isinstance(items, str | bytes | Path | Image.Image | Mapping) or not isinstance(items, Iterable):
            hint = 'Of a table, pass a column, or its rows: table.to_dict("records").' if is_table else "For one item, pass [item]."
            raise DataError(must_be("items", "a list or another iterable of items", type(items).__name__, hint))
        stored = (_stored(item, instruction, f"item {position}", self.decoding) for position, item in enumerate(items))
        return self._embed(stored if has_places else map(_without_places, stored))

    def __call__(self, contents: Iterable[StoredContent]) -> NDArray[np.float32]:
        """Returns (N, D) embeddings of contents as they lie in shards: what a curation's steps ask of their `embed`.

        Raises:
            DataError: as `embed` does.
        """
        embeddings: NDArray[np.float32] = self._embed(contents).numpy()
        return embeddings

    def _embed(self, contents: Iterable[StoredContent]) -> Tensor:
        from unite.embedding.embed import embed_contents

        lazy = (LazyContent.of_stored(stored, self.decoding, _name(stored, position)) for position, stored in enumerate(contents))
        return embed_contents(self.encoder, lazy, token_budget=self.token_budget)


def _name(stored: StoredContent, position: int) -> str:
    return stored.name if isinstance(stored, NamedContent) else f"item {position}"


def _without_places(stored: StoredContent) -> StoredContent:
    return replace(stored, text=escape_places(stored.text), instruction=escape_places(stored.instruction))


def _stored(item: Item, instruction: str, name: str, decoding: Decoding) -> StoredContent:
    if isinstance(item, str):
        if len(item) <= _LONGEST_NAME and mimetypes.guess_type(item)[0] and Path(item).suffix and "\n" not in item and _is_file(item):
            hint = "For the file pass Path(...); for the text {'text': ...}."
            raise DataError(must_be(name, "plainly a text or a file", f"the name of a file as a string, {item!r}", hint))
        item = {"text": item}
    elif isinstance(item, Image.Image):
        item = {"image": item}
    elif isinstance(item, Path):
        item = {_kind_of(item, name): item}
    if not isinstance(item, Mapping) or not item.keys() <= set(_KEYS):
        actual = ", ".join(map(str, item)) if isinstance(item, Mapping) else type(item).__name__
        raise DataError(must_be(name, f"a text, a Path, a Pillow image or a mapping of {', '.join(_KEYS)}", actual))
    media = tuple(_medium(medium, kind, name, decoding) for kind in KINDS for medium in _several(item.get(kind.word)))
    text = _text(item, "text", name)
    if not media and not text.strip():
        raise DataError(must_be(name, "a text, a medium or both", "empty"))
    return StoredContent(text, media, _text(item, "instruction", name) or instruction)


def _text(item: Mapping[str, Any], key: str, name: str) -> str:
    value = item.get(key)
    if _is_missing(value):
        return ""
    if not isinstance(value, str):
        raise DataError(must_be(f"the {key} of {name}", "a string", type(value).__name__))
    try:
        value.encode()
    except UnicodeEncodeError as error:  # half of a surrogate pair: no tokenizer takes it
        raise DataError(must_be(f"the {key} of {name}", "Unicode", f"{value[:60]!a}, with {error.reason}")) from error
    return value


def _is_missing(value: object) -> bool:
    """Whether a field is empty, which pandas writes as NaN."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except OSError:  # a part of it is too long for a name
        return False


def _several(media: MediumLike | Sequence[MediumLike] | None) -> Sequence[MediumLike]:
    if media is None or _is_missing(media):
        return ()
    return media if isinstance(media, list | tuple) else (media,)  # a string is no list of media


def _kind_of(path: Path, name: str) -> str:
    kind = kind_of_file(path)
    if kind is None:
        hint = f"Say {' or '.join(f'{{{kind.word!r}: path}}' for kind in KINDS)}; a text is given as a string."
        raise DataError(must_be(name, f"a file whose suffix tells one of {', '.join(kind.word for kind in KINDS)}", str(path), hint))
    return kind.word


def _medium(medium: MediumLike, kind: Kind, name: str, decoding: Decoding) -> StoredMedium:
    encoded = kind.encode(medium, decoding, f"the {kind.word} of {name}")
    if encoded is not None:
        return StoredMedium(kind.modality, *encoded)
    if not isinstance(medium, str | os.PathLike):
        hint = (
            "Of an array or of bytes make one: Image.fromarray(array), Image.open(io.BytesIO(data))."
            if kind.modality is Modality.IMAGE
            else ""
        )
        expected = "a Path, the name of a file or a Pillow image" if hint else "a Path or the name of a file"
        raise DataError(must_be(f"the {kind.word} of {name}", expected, type(medium).__name__, hint))
    try:
        return StoredMedium(kind.modality, Path(medium).read_bytes(), Path(medium).suffix.lstrip(".").lower())
    except (OSError, ValueError) as error:  # ValueError: a name with a null character
        raise DataError(f"{name} cannot be read: {error}") from error
