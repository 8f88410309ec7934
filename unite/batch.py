"""What the step trains on: the *unique* contents of B examples, encoded and packed into micro-batches, and who is whose.

Queries and candidates share one encoder, so a batch holds one pool of U contents and index tensors into it. Equal contents are
encoded once and can never be each other's negative.

Shapes: B examples, U unique contents, P positives and K negatives a row, n contents in a micro-batch, L tokens, M media.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from unite.types import Content

if TYPE_CHECKING:  # torch takes a second to import, and a config error, a recipe or a step needs none
    import torch
    from torch import Tensor


@dataclass(eq=False)
class EncodedContent:
    """A content as the encoder reads it: tokens, and tensors of its media.

    Attributes:
        input_ids: (L,) int64, the whole prompt, with a token wherever a feature of a medium takes its place.
        token_types: (L,) int64, above 0 where it does, one number a kind of medium (`mm_token_type_ids` of transformers), 0 on text.
        media: by name, concatenated in the order of their places over those of the M media that have it; empty without media. Of every
            medium, `fingerprints` (M,) int64 and `modalities` (M,) int64, `Modality.value`; the others, pixels say, are known to the
            encoder's family alone.
        is_cut: whether its text was longer than the encoder reads, and lost its end.
    """

    input_ids: Tensor
    token_types: Tensor
    media: dict[str, Tensor] = field(default_factory=dict)
    is_cut: bool = False

    @property
    def num_tokens(self) -> int:
        """L, text and media together: the cost a token budget counts."""
        return int(self.input_ids.shape[0])


@dataclass(eq=False)
class MicroBatch:
    """n contents in one forward pass, padded on the right to L tokens.

    Attributes:
        contents: (n,) int64, the index of each row in the batch's pool.
        input_ids, token_types, attention_mask: (n, L) int64; the mask is 1 on tokens, 0 on padding.
        media: as in `EncodedContent`, concatenated over the contents, and of every medium `rows` (M,) int64, the row of its content; empty
            without media.
        shared: how many first tokens, text all of them, are the same in every row: a family may pass them once. 0 passes all.
    """

    contents: Tensor
    input_ids: Tensor
    token_types: Tensor
    attention_mask: Tensor
    media: dict[str, Tensor] = field(default_factory=dict)
    shared: int = 0

    @property
    def media_names(self) -> list[tuple[int, int]]:
        """(fingerprint, `Modality.value`) of each of the M media: those of equal names have equal features."""
        if not self.media:
            return []
        return list(zip(self.media["fingerprints"].tolist(), self.media["modalities"].tolist(), strict=True))

    def to(self, device: torch.device | str) -> MicroBatch:
        """Returns it on a device; a GPU is not waited for."""
        import torch

        def moved(tensor: Tensor) -> Tensor:
            return tensor.to(device, non_blocking=torch.device(device).type == "cuda")

        return MicroBatch(
            contents=moved(self.contents),
            input_ids=moved(self.input_ids),
            token_types=moved(self.token_types),
            attention_mask=moved(self.attention_mask),
            media={name: moved(tensor) for name, tensor in self.media.items()},
            shared=self.shared,
        )


@dataclass(eq=False)
class Relations:
    """Who is whose, over a pool of U contents. All int64; a content's index is its row in the (U, D) embeddings.

    Attributes:
        query: (B,) the query of each row.
        positive: (B, P) its positives, -1 where there are fewer than P; the first is always there.
        negative: (B, K) its hand-made negatives, -1 where there are fewer.
        modality: (U,) `Modality.value`.
        fingerprint: (U,) equal contents have equal fingerprints (across ranks too, where the pool is not yet deduplicated).
        identity: (U,) contents of one group share it; they are never one another's negatives.
    """

    query: Tensor
    positive: Tensor
    negative: Tensor
    modality: Tensor
    fingerprint: Tensor
    identity: Tensor

    @property
    def num_rows(self) -> int:
        """B."""
        return int(self.query.shape[0])

    @property
    def num_contents(self) -> int:
        """U."""
        return int(self.modality.shape[0])


@dataclass(eq=False)
class Batch:
    """What the step trains on.

    Attributes:
        micro_batches: every content of the pool in exactly one of them.
        relations: over the pool.
        keys, sources: (B,) of the rows, for the log and for errors.
        skipped: keys of samples that could not be read, with the reason, since the last batch.
        cut: keys of rows, those with a text that was longer than the encoder reads and lost its end.
    """

    micro_batches: list[MicroBatch]
    relations: Relations
    keys: list[str]
    sources: list[str]
    skipped: list[tuple[str, str]] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)


class Processor(Protocol):
    """Turns contents into what an encoder reads. The encoder owns it; the data side is handed it."""

    def encode(self, content: Content) -> EncodedContent:
        """Tokenises one content and reads its media. Raises DataError if it cannot be embedded."""
        ...

    def pad(self, encoded: Sequence[EncodedContent], contents: Sequence[int]) -> MicroBatch:
        """Puts n encoded contents into one micro-batch; `contents` are their indices in the pool."""
        ...


def index_tensor(values: Any) -> Tensor:
    """Returns an int64 tensor of indices or hashes."""
    import torch

    return torch.as_tensor(values, dtype=torch.int64)
