"""The second pass of the gradient cache: contents are embedded again, with their graph, and the loss's gradient at them is passed back.

Shapes: U contents of a batch, n of a micro-batch, D width.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from unite.batch import MicroBatch
from unite.encoder.features import KeptFeatures
from unite.training.negligible import in_groups
from unite.training.random_state import RandomState

#: Called on every scalar that gradients flow from (`manual_backward` of Lightning).
Backward = Callable[[Tensor], None]


class MediaEncoder(Protocol):
    """What the step needs of an encoder; `unite.encoder.vlm.VLMEncoder` is one."""

    @property
    def vision_is_frozen(self) -> bool:
        """Whether features of media can be kept for the replay."""
        ...

    def encode_media(self, micro_batch: MicroBatch, known: KeptFeatures | None = None) -> Tensor:
        """Returns the features of the media, taking from `known` and adding to it."""
        ...

    def __call__(self, micro_batch: MicroBatch, media_features: Tensor | None = None) -> Tensor:
        """Returns (n, D) embeddings."""
        ...

    def together(self, micro_batches: Sequence[MicroBatch], known: KeptFeatures | None = None) -> list[Tensor]:
        """Returns (n, D) embeddings of each; each medium is seen once."""
        ...

    def rows(self, micro_batch: MicroBatch, rows: Tensor) -> MicroBatch:
        """Returns some contents of a micro-batch as one of their own."""
        ...

    def parameters(self) -> Iterator[nn.Parameter]:
        """Yields all weights."""
        ...


def pass_back(embeddings: Tensor, gradient: Tensor, backward: Backward) -> None:
    """Passes the gradient at embeddings on to the weights. Where no trained weight made one (texts, of a projector) it has no way."""
    if embeddings.requires_grad:
        backward((embeddings * gradient.to(embeddings.dtype)).sum())


def replay(
    encoder: MediaEncoder,
    replayed: Sequence[MicroBatch],
    states: Sequence[RandomState],
    known: KeptFeatures | None,
    gradient: Tensor,
    backward: Backward,
) -> None:
    """Passes all contents of micro-batches again, one at a time.

    Args:
        encoder: as it was in the first pass.
        replayed: the micro-batches.
        states: of each, what the first pass drew its random numbers from.
        known: what towers that are frozen have seen of the media.
        gradient: (U, D) of the loss at the embeddings.
        backward: see `Backward`.
    """
    for micro, state in zip(replayed, states, strict=True):
        with state.restored():
            again = encoder(micro, encoder.encode_media(micro, known))
        pass_back(again, gradient[micro.contents], backward)


def replay_needed(
    encoder: MediaEncoder,
    replayed: Sequence[MicroBatch],
    needed: Tensor,
    known: KeptFeatures | None,
    gradient: Tensor,
    backward: Backward,
) -> None:
    """Passes the contents again that are `needed` (U,), as many at a time as the largest micro-batch has tokens; see `replay`."""
    rows = [needed[micro.contents].nonzero().squeeze(1) for micro in replayed]
    some = [encoder.rows(micro, of_micro) for micro, of_micro in zip(replayed, rows, strict=True) if len(of_micro)]
    for group in in_groups(some, max(micro.input_ids.numel() for micro in replayed)):
        again = torch.cat(encoder.together(group, known))
        pass_back(again, gradient[torch.cat([micro.contents for micro in group])], backward)
