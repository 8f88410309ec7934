"""The contrastive step where weights are sharded over the ranks: every rank calls every layer equally often.

A layer's weights are gathered by all ranks together. What differs between them is agreed on at the beginning of a step:

    how many micro-batches        a rank with fewer passes a filler, whose embeddings count for nothing
    how many are replayed         as many on each rank; those that are kept are one pass

and before each pass:

    whether something is seen     a rank that sees nothing where another does shows its towers a blank image, with weight zero

Else loss, gradients and memory are those of `step.ContrastiveStep`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from typing_extensions import override

from unite.batch import Batch, MicroBatch
from unite.encoder.features import KeptFeatures
from unite.encoder.vlm import VLMEncoder
from unite.training.parallel import largest_over_ranks
from unite.training.random_state import RandomState
from unite.training.replay import Backward, pass_back
from unite.training.step import ContrastiveStep, StepOutput, in_order
from unite.types import Content, Medium, Modality


class ShardedStep(ContrastiveStep):
    """A `ContrastiveStep` of an encoder that `sharding.shard` has sharded; all ranks call it together.

    Args:
        encoder, objective, graph_tokens, features: as of `ContrastiveStep`.
    """

    encoder: VLMEncoder
    keeps_in_one_pass = True

    @override
    def __call__(self, batch: Batch, backward: Backward) -> StepOutput:
        is_cached = torch.is_autocast_cache_enabled()
        torch.set_autocast_cache_enabled(False)  # it would hold all weights, in bfloat16, for the rest of the step
        try:
            self.look(batch, backward)
            return self._passed(batch, backward)
        finally:
            torch.set_autocast_cache_enabled(is_cached)

    def _passed(self, batch: Batch, backward: Backward) -> StepOutput:
        device = batch.micro_batches[0].input_ids.device
        filler = self._filler.to(device)
        replayed, kept = self._agreed(batch, filler)
        known = KeptFeatures(self.features) if self.encoder.vision_is_frozen else None
        states: list[RandomState] = []
        parts: list[Tensor] = []
        with torch.no_grad():
            for micro in replayed:
                blank = self._blank_beside([micro], known, device)
                states.append(RandomState(device))
                parts += self.encoder.together([micro], known, blank)
        with_graph = self.encoder.together(kept, known, self._blank_beside(kept, known, device), at_once=True) if kept else []
        parts += [embeddings.detach() for embeddings in with_graph]
        ours = [part for micro, part in zip([*replayed, *kept], parts, strict=True) if micro is not filler]
        output, gradient = self.loss(in_order(batch, ours), batch, backward)

        def push(micros: Sequence[MicroBatch], embeddings: Sequence[Tensor]) -> None:
            rows = [gradient[micro.contents] if micro is not filler else gradient.new_zeros(1, gradient.shape[1]) for micro in micros]
            pass_back(torch.cat(list(embeddings)), torch.cat(rows), backward)

        if kept:
            push(kept, with_graph)
            del with_graph
        for micro, state in zip(replayed, states, strict=True):
            blank = self._blank_beside([micro], known, device)
            with state.restored():
                again = self.encoder.together([micro], known, blank)
            push([micro], again)
        self.tell(known)
        return output

    def _agreed(self, batch: Batch, filler: MicroBatch) -> tuple[list[MicroBatch], list[MicroBatch]]:
        """Returns the micro-batches that are replayed and those that are kept, as many of either on each rank.

        As many are kept as every rank has room for.
        """
        own, device = list(batch.micro_batches), batch.micro_batches[0].input_ids.device
        num_replayed = self.num_replayed(batch)
        most, most_replayed, minus_kept = map(int, largest_over_ranks([len(own), num_replayed, num_replayed - len(own)], device))
        fillers = [filler] * (most - len(own))
        if not most_replayed:
            return [], own + fillers
        first_kept = len(own) + minus_kept
        return own[:first_kept] + fillers, own[first_kept:]

    def _blank_beside(self, micro_batches: Sequence[MicroBatch], known: KeptFeatures | None, device: torch.device) -> MicroBatch | None:
        """Returns the blank image that the towers are to be shown in a pass: where only other ranks see something."""
        is_known = self.encoder.features_are_frozen  # else a projector must be called, too
        sees = any(known is None or not is_known or name not in known for micro in micro_batches for name in micro.media_names)
        (is_seen,) = largest_over_ranks([float(sees)], device)
        return self._blank.to(device) if is_seen and not sees else None

    @override
    def pass_alone(self, micro: MicroBatch, known: KeptFeatures) -> Tensor:
        return self.encoder.together([micro], known, self._blank_beside([micro], known, micro.input_ids.device))[0]

    @cached_property
    def _filler(self) -> MicroBatch:
        return self._of(Content("."))

    @cached_property
    def _blank(self) -> MicroBatch:
        return self._of(Content(media=(Medium(Modality.IMAGE, np.zeros((1, 64, 64, 3), np.uint8), 0),)))

    def _of(self, content: Content) -> MicroBatch:
        processor = self.encoder.processor
        return processor.pad([processor.encode(content)], [0])
