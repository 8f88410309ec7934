"""Our embedder as mteb's: its rows become contents, read, decoded and embedded as everywhere else.

    mteb's DataLoader -> its dataset, media as encoded bytes -> StoredContent -> embed -> (N, D)

So frames are picked as the suite's decoding says, equal rows are embedded once, and embeddings come from the cache and are shared by ranks.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset, List
from mteb.models.abs_encoder import AbsEncoder
from mteb.models.model_meta import ModelMeta
from mteb.types import PromptType
from numpy.typing import NDArray
from torch import Tensor

from unite.config.schema.media import Decoding
from unite.data.rows import StoredContent, StoredMedium
from unite.embedding.lazy import LazyContent
from unite.errors import DataError, must_be
from unite.media import KINDS, Kind
from unite.types import Content, escape_places

log = logging.getLogger(__name__)
_COLUMNS = {kind.word: kind for kind in KINDS}
#: What stands for a row that holds nothing: mteb's corpora have such rows, and want an embedding of each.
EMPTY = "."


class MtebEncoder(AbsEncoder):
    """An `mteb.EncoderProtocol` for text, images, video and rows that hold several of them.

    Args:
        embed: contents -> (N, D) float32, unit length.
        meta: what mteb files the results under (`unite.evaluation.mteb_model.meta_of`).
        decoding: how media are decoded.
        instructions: whether queries, and contents of tasks without sides, are given the task's instruction, as mteb has it:
            the prompt of the task, else that of its kind. Documents get none.
    """

    mteb_model_meta: ModelMeta

    def __init__(
        self, embed: Callable[[Sequence[LazyContent]], Tensor], meta: ModelMeta, decoding: Decoding, instructions: bool = True
    ) -> None:
        self.embed = embed
        self.decoding = decoding
        self.instructions = instructions
        self.mteb_model_meta = meta

    def encode(
        self, inputs: Any, *, task_metadata: Any, hf_split: str, hf_subset: str, prompt_type: PromptType | None = None, **kwargs: Any
    ) -> NDArray[np.float32]:
        """Returns (N, D) embeddings of the rows of a DataLoader, in their order. `batch_size` has no say: the token budget has."""
        is_document = prompt_type is PromptType.document
        instruction = self.get_task_instruction(task_metadata, prompt_type) if self.instructions and not is_document else ""
        side = f"{task_metadata.name}/{hf_subset}/{hf_split}/{prompt_type.value if prompt_type else 'row'}"
        contents = MtebContents(inputs.dataset, instruction, self.decoding, side)
        embeddings: NDArray[np.float32] = self.embed(contents).numpy()
        if contents.empty:
            log.warning("%d rows of %s hold nothing: they were embedded as %r.", len(contents.empty), side, EMPTY)
        return embeddings


class MtebContents(Sequence[LazyContent]):
    """The rows of one of mteb's datasets as contents, read one at a time.

    Attributes:
        empty: the rows met so far that hold nothing.
    """

    def __init__(self, dataset: Any, instruction: str, decoding: Decoding, name: str) -> None:
        self.dataset = _undecoded(dataset) if isinstance(dataset, Dataset) else dataset
        self.instruction = escape_places(instruction)
        self.decoding = decoding
        self.name = name
        self.empty: set[int] = set()

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, at: int) -> LazyContent:  # type: ignore[override]  # no slices: they would read all at once
        if not 0 <= at < len(self):
            raise IndexError(at)
        row, name = self.dataset[at], f"{self.name}/{at}"
        media = tuple(medium for column, kind in _COLUMNS.items() for medium in _media(row.get(column), kind, self.decoding, name))
        text = escape_places(str(row.get("text") or ""))
        if not media and not Content(text).modality:
            self.empty.add(at)
            text = EMPTY
        return LazyContent.of_stored(StoredContent(text, media, self.instruction), self.decoding, name)


def _undecoded(dataset: Dataset) -> Dataset:
    """Returns the dataset with its media as bytes: we decode them ourselves, ahead and each once."""
    for column in _COLUMNS:
        feature = dataset.features.get(column)
        kind = feature.feature if isinstance(feature, List) else feature
        if hasattr(kind, "decode"):
            encoded = type(kind)(decode=False)
            dataset = dataset.cast_column(column, List(encoded) if isinstance(feature, List) else encoded)
    return dataset


def _media(value: Any, kind: Kind, decoding: Decoding, name: str) -> Iterator[StoredMedium]:
    """Yields the media of a cell: none, one or a list; bytes, a file, or what somebody decoded."""
    for medium in value if isinstance(value, list | tuple) else [value]:
        if medium is None:
            continue
        if isinstance(medium, dict) and medium.get("bytes"):
            yield StoredMedium(kind.modality, medium["bytes"], Path(medium.get("path") or "").suffix.lstrip(".").lower() or kind.word)
        elif isinstance(medium, dict) and medium.get("path"):
            try:
                yield StoredMedium(kind.modality, *kind.read(Path(medium["path"]), decoding))
            except OSError as error:
                raise DataError(f"a medium of {name} cannot be read ({error}).") from error
        elif encoded := kind.encode(medium, decoding, f"the {kind.word} of {name}"):
            yield StoredMedium(kind.modality, *encoded)
        else:
            raise DataError(must_be(f"the {kind.word} of {name}", "encoded bytes, a file or a Pillow image", type(medium).__name__))
