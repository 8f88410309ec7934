"""A trained encoder for whoever wants vectors: texts, pictures, videos and any mix of them in, (N, D) out.

embedder = Embedder("runs/stage2_mamcl/<run>")
vectors = embedder.encode(["a red bicycle", Path("bicycle.jpg"), {"image": "bicycle.jpg", "text": "make it blue"}])
similarities = embedder.similarity(vectors, vectors)

It is called as sentence-transformers' models are (6.2): what has a name of theirs does the same, with these differences. A string is a
text, and a file's name or a URL as a string is asked about; vectors are of unit length, also cut to `truncate_dim`, unless it is said
otherwise; no inputs give (0, D); a prompt is an instruction, which is written where the checkpoint's own prompt has it. Micro-batches are
cut by tokens, so there is no batch size.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sized
from dataclasses import fields
from functools import cached_property
from itertools import chain
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unite.checkpoints import find_checkpoint
from unite.config.schema.encoder import EncoderConfig
from unite.config.schema.media import Decoding
from unite.data.rows import NamedContent, StoredContent
from unite.embedding.fetch import Fetching
from unite.embedding.items import GivenItem, Item, given_items, is_one_item
from unite.embedding.lazy import LazyContent
from unite.embedding.medium import Reading
from unite.embedding.prompts import NamedPrompts
from unite.embedding.similarity import Embeddings, similarity, similarity_pairwise
from unite.errors import ConfigError, must_be, must_be_one_of
from unite.progress import shown

if TYPE_CHECKING:
    from torch import Tensor

    from unite.encoder.vlm import VLMEncoder

log = logging.getLogger(__name__)


class Embedder:
    """Embeds items with a checkpoint, in evaluation mode and without gradients.

    The checkpoint is looked for at once and loaded when it is first needed, so a missing one is told before anything else is done.

    Args:
        checkpoint: a run folder, an exported encoder's folder, a PEFT adapter's, or a hub name.
        device: a GPU if there is one by default.
        decoding: how many frames are taken of a video, and what is too large to be decoded.
        token_budget: tokens of a micro-batch, padding included; on a CPU fewer are taken at once.
        prompts: instructions by name, for `prompt_name`; `query` and `document` are those of `encode_query` and `encode_document`, empty
            unless given. None are those of the folder where sentence-transformers saved it.
        default_prompt_name: which of them `encode` takes where none is named.
        truncate_dim: how many numbers of an embedding are given, the first; None for all. Of a Matryoshka model (`objective.dims`).
        fetching: what fetching a URL may take.
        **settings: of `VLMEncoder`, for a checkpoint that does not bring its own (`positions="sequential"`, say), or the `base` of an
            adapter; `prompt` among them is how a content is written (docs/prompts.md).

    Raises:
        CheckpointError: if there is no such checkpoint.
        ConfigError: if there is no such setting, or one is out of its range.
    """

    def __init__(
        self,
        checkpoint: str | Path,
        *,
        device: str | None = None,
        decoding: Decoding | None = None,
        token_budget: int = 16384,
        prompts: Mapping[str, str] | None = None,
        default_prompt_name: str | None = None,
        truncate_dim: int | None = None,
        fetching: Fetching | None = None,
        **settings: Any,
    ) -> None:
        known = [field.name for field in fields(EncoderConfig) if field.name not in ("_target_", "path", "checkpoint")]
        for name in settings:
            if name not in known:
                raise ConfigError(must_be_one_of("a setting of the encoder", known, name))
        for name, given, kind in (("prompts", prompts, Mapping), ("decoding", decoding, Decoding), ("fetching", fetching, Fetching)):
            if not isinstance(given, kind | NoneType):
                raise ConfigError(must_be(name, f"a {kind.__name__}", type(given).__name__))
        if isinstance(token_budget, bool) or not isinstance(token_budget, int) or token_budget < 1:
            raise ConfigError(must_be("token_budget", "a whole number of at least 1", token_budget))
        # Of private names: a curation's plan tells the public ones, and these are no part of what it asks for.
        self._truncate_dim = _checked_dim(truncate_dim)
        self._fetching = fetching or Fetching()
        self._path = find_checkpoint(checkpoint)
        self._prompts = NamedPrompts.of(self._path, prompts, default_prompt_name)
        if settings.get("base"):
            settings["base"] = find_checkpoint(settings["base"], "base")
        import torch  # not before: what is wrong with the arguments is told at once

        self._device = _checked_device(device) if device else "cuda" if torch.cuda.is_available() else "cpu"
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

    def encode(
        self,
        inputs: Item | Iterable[Item],
        prompt_name: str | None = None,
        prompt: str | None = None,
        *,
        show_progress_bar: bool | None = None,
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        normalize_embeddings: bool = True,
        truncate_dim: int | None = None,
        allow_urls: bool = False,
        has_places: bool = False,
    ) -> Any:
        """Returns the embeddings of items in their order, (N, D) float32; of one item that is not in a list, (D,).

        Equal items are embedded once. Media are read and decoded one after the other, so `inputs` may be a long generator; of a list all
        that is wrong with its items is told before the first is embedded.

        Args:
            inputs: items, or one: see `unite.embedding.items.Item`. A string is a text, never a file's name.
            prompt_name: of an instruction in `prompts`.
            prompt: the instruction itself, what to retrieve: for every item that does not bring its own. It wins over `prompt_name`.
            show_progress_bar: None shows one where the log's level is INFO or below.
            convert_to_numpy: whether an array is given; otherwise a list of tensors.
            convert_to_tensor: whether one tensor is given, on the encoder's device.
            normalize_embeddings: whether embeddings that were cut to `truncate_dim` are of unit length again; whole ones are in any case.
            truncate_dim: as of the class, for this call.
            allow_urls: whether http and https URLs are fetched: from public addresses alone, within `fetching`.
            has_places: whether a `<|IMAGE|>` or `<|VIDEO|>` in a text is the place of its medium. By default it is text like any other,
                whoever wrote it, and media stand first.

        Raises:
            DataError: if `inputs` are a table, or an item is something else, or the name of a file as a string, or cannot be read or
                embedded; the message names it by its position and what it is.
            ConfigError: if there is no such prompt, or fewer dimensions than asked for.
        """
        is_one = is_one_item(inputs)
        reading = Reading(self._prompts.instruction(prompt, prompt_name), self.decoding, has_places, allow_urls, self._fetching)
        dim = self._truncate_dim if truncate_dim is None else _checked_dim(truncate_dim)
        if show_progress_bar is None:
            show_progress_bar = log.getEffectiveLevel() <= logging.INFO
        items = [GivenItem(inputs, reading, "the item")] if is_one else given_items(inputs, reading)
        total = len(items) if isinstance(items, Sized) else None
        if dim is not None and dim > self.dim:
            raise ConfigError(must_be("truncate_dim", f"at most the width of the embeddings, {self.dim}", dim))
        with shown("embedding", total, "items", how="bar" if show_progress_bar else "nothing") as work:
            embeddings = self._embed((item.read() for item in items), work.advance)
        if dim is not None:
            embeddings = _cut(embeddings, dim, normalize_embeddings)
        whole = embeddings.numpy() if convert_to_numpy and not convert_to_tensor else embeddings.to(self._device)
        if is_one:
            return whole[0]
        return whole if convert_to_numpy or convert_to_tensor else list(whole)

    def encode_query(self, inputs: Any, prompt_name: str | None = None, prompt: str | None = None, **options: Any) -> Any:
        """As `encode`, with the prompt called `query` where none is given."""
        return self.encode(inputs, self._prompts.of_side("query", prompt_name, prompt), prompt, **options)

    def encode_document(self, inputs: Any, prompt_name: str | None = None, prompt: str | None = None, **options: Any) -> Any:
        """As `encode`, with the prompt called `document`, `passage` or `corpus`, the first that there is, where none is given."""
        return self.encode(inputs, self._prompts.of_side("document", prompt_name, prompt), prompt, **options)

    def similarity(self, embeddings1: Embeddings, embeddings2: Embeddings) -> Tensor:
        """Returns cosine similarities (N1, N2), see `unite.embedding.similarity`."""
        return similarity(embeddings1, embeddings2)

    def similarity_pairwise(self, embeddings1: Embeddings, embeddings2: Embeddings) -> Tensor:
        """Returns the cosine similarities (N,) of pairs, see `unite.embedding.similarity`."""
        return similarity_pairwise(embeddings1, embeddings2)

    def __call__(self, contents: Iterable[StoredContent]) -> NDArray[np.float32]:
        """Returns (N, D) embeddings of contents as they lie in shards: what a curation's steps ask of their `embed`.

        Raises:
            DataError: as `encode` does.
        """
        embeddings: NDArray[np.float32] = self._embed(contents, lambda count: None).numpy()
        return embeddings

    def _embed(self, contents: Iterable[StoredContent], on_progress: Callable[[int], None]) -> Tensor:
        import torch

        from unite.embedding.embed import embed_contents

        rest = iter(contents)
        first = next(rest, None)
        if first is None:
            return torch.empty(0, self.dim)
        named = enumerate(chain([first], rest))
        lazy = (LazyContent.of_stored(stored, self.decoding, _name(stored, position)) for position, stored in named)
        return embed_contents(self.encoder, lazy, token_budget=self.token_budget, on_progress=on_progress)


def _cut(embeddings: Tensor, dim: int, normalize: bool) -> Tensor:
    import torch

    return torch.nn.functional.normalize(embeddings[:, :dim], dim=-1) if normalize else embeddings[:, :dim].clone()


def _checked_dim(dim: int | None) -> int | None:
    if dim is None:
        return None
    if isinstance(dim, bool) or not isinstance(dim, int | np.integer) or dim < 1:
        raise ConfigError(must_be("truncate_dim", "a whole number of at least 1", dim))
    return int(dim)


def _checked_device(device: str) -> str:
    import torch

    try:
        torch.empty(1, device=device).tolist()
    except (RuntimeError, AssertionError, TypeError) as error:
        why = str(error).partition("\n")[0]
        raise ConfigError(must_be("device", "one that torch has here (cpu, cuda, cuda:1, ...)", device, f"It is not: {why}.")) from error
    return device


def _name(stored: StoredContent, position: int) -> str:
    return stored.name if isinstance(stored, NamedContent) else f"item {position}"
