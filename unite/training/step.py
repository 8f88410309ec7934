"""The contrastive step: loss and gradients of a batch of any size in bounded memory.

    small batch   embed every micro-batch with its graph, loss, backward
    large batch   1. embed every micro-batch, as many as fit with their graph, the others without   (U, D) embeddings
                  2. loss and its gradient at the embeddings                                        (U, D) gradient
                  3. push its rows through the graphs that were kept
                  4. embed each other micro-batch again, with graph and the same random state, and push its rows through it

The second is the gradient cache (Gao et al., "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup", arXiv 2101.06983):
the same gradients in bounded memory, for one more forward pass of what does not fit.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from unite.batch import Batch, MicroBatch, Relations
from unite.encoder.features import ALL_KEPT, FeatureBound, KeptFeatures
from unite.errors import NonFiniteLossError, TrainingError, must_be
from unite.heap import keep_memory
from unite.live import meter
from unite.objective import ObjectiveOutput
from unite.onednn import keep_few_products
from unite.processes import num_ranks
from unite.training.graph_budget import GraphBudget, Measured, check_graph_tokens
from unite.training.negligible import LeftOut, check_negligible, left_out
from unite.training.parallel import sum_over_ranks
from unite.training.pool import share_pool
from unite.training.random_state import RandomState
from unite.training.replay import Backward, MediaEncoder, pass_back, replay, replay_needed
from unite.training.sharding import part

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class StepOutput:
    """What a step found, detached.

    Attributes:
        objective: its loss is that of the global batch, the same on every rank; its terms and parts are this rank's, and the terms' rows
            those of the rank's own batch.
        embeddings: (U, D) of the rank's own batch.
        relations: over them.
        left_out: what was negligible; None where nothing may be.
    """

    objective: ObjectiveOutput
    embeddings: Tensor
    relations: Relations
    left_out: LeftOut | None = None

    @property
    def loss(self) -> Tensor:
        """Of the global batch, scalar."""
        return self.objective.loss


class ContrastiveStep:
    """Computes loss and gradients of a batch.

    Args:
        encoder: maps a MicroBatch to (n, D) embeddings; sees each medium of a step once.
        objective: maps (U, D) embeddings, Relations and the rows to score to an `ObjectiveOutput`. Where several ranks share a pool, one
            whose `takes_exchange` is true gets its own embeddings and an `Exchange`, any other the embeddings of all.
        graph_tokens: the activations of up to this many tokens (padding included) are kept; of micro-batches beyond them gradients are
            cached, and one at a time is passed again. "auto" finds what the memory has room for, see `graph_budget`.
        features: how much of what a frozen tower has seen is kept for that.
        negligible: contents that give the gradient next to nothing are not passed again: the share of it that may be lost, see
            `unite.training.negligible`. An encoder that draws at random (dropout) would draw other numbers for the rest.
    """

    #: Whether what is kept passes together also where not all is.
    keeps_in_one_pass = False

    def __init__(
        self,
        encoder: MediaEncoder,
        objective: nn.Module,
        graph_tokens: int | str,
        features: FeatureBound = ALL_KEPT,
        negligible: float = 0,
    ) -> None:
        self.graph_tokens = check_graph_tokens(graph_tokens)
        self.budget = GraphBudget() if self.graph_tokens is None else None
        self.encoder = encoder
        self.objective = objective
        self.features = features
        self.negligible = check_negligible(negligible)
        self._is_told = False
        keep_memory()  # of one step for the next
        keep_few_products()

    def __call__(self, batch: Batch, backward: Backward) -> StepOutput:
        """Accumulates the gradients of a batch.

        Args:
            batch: on the encoder's device.
            backward: called on every scalar that gradients flow from (`manual_backward` of Lightning).

        Raises:
            NonFiniteLossError: if the loss is not finite; nothing is accumulated then. It holds the keys of the samples.
        """
        self.look(batch, backward)
        return self._cached(batch, backward) if self.num_replayed(batch) else self._direct(batch, backward)

    def look(self, batch: Batch, backward: Backward) -> None:
        """Has the budget, if it is to be found, see a batch that is about to be passed; leaves gradients as they are."""
        if self.budget is None:
            return
        trained = [parameter for parameter in self.encoder.parameters() if parameter.requires_grad]
        grads = [parameter.grad for parameter in trained]
        missing = sum(part(parameter).nbytes for parameter, grad in zip(trained, grads, strict=True) if grad is None)

        def measure(micro: MicroBatch) -> Measured:
            for parameter in trained:  # lie there before a pass
                parameter.grad = torch.zeros_like(parameter)
            known = KeptFeatures()
            device = micro.input_ids.device
            with RandomState(device).restored(), meter(device) as live:
                embeddings = self.pass_alone(micro, known)
                kept = live.now
                pass_back(embeddings, torch.zeros_like(embeddings), backward)
                found = Measured(kept, live.peak - kept, known.num_bytes if self.encoder.vision_is_frozen else 0)
            for parameter, grad in zip(trained, grads, strict=True):
                parameter.grad = grad
            return found

        self.budget.look(batch.micro_batches, measure, missing, is_one_pass=self.keeps_in_one_pass)
        torch.clear_autocast_cache()

    def take_less(self, batch: Batch, error: torch.OutOfMemoryError) -> None:
        """Has the budget give graphs half of what they took in a step that ran out of memory.

        Raises:
            TrainingError: if the budget was given, if there is nothing left to halve, or if other ranks are on their way through the step,
                which cannot begin it anew.
        """
        micro_batches, num_replayed = batch.micro_batches, self.num_replayed(batch)
        if self.budget is not None and num_ranks() == 1 and self.budget.halve(micro_batches, is_one_pass=self.keeps_in_one_pass):
            log.warning("The device ran out of memory: graphs are given half of what they took, and the step is done again.")
            return
        kept = sum(micro.input_ids.numel() for micro in micro_batches[num_replayed:]) if len(micro_batches) > 1 else 0
        lower = f"trainer.graph_tokens below {kept:,}, " if kept else ""
        others = "a smaller data.token_budget, encoder.gradient_checkpointing=true, smaller encoder.max_image_tokens or max_length"
        actual = f"more, with micro-batches of up to {max(micro.input_ids.numel() for micro in micro_batches):,} tokens"
        message = must_be("the memory that a step takes", "at most what the device has", actual, f"Set {lower}{others}.")
        raise TrainingError(message) from error

    def pass_alone(self, micro: MicroBatch, known: KeptFeatures) -> Tensor:
        """Returns the embeddings of a micro-batch, with its graph."""
        return self.encoder(micro, self.encoder.encode_media(micro, known))

    def _direct(self, batch: Batch, backward: Backward) -> StepOutput:
        embeddings = in_order(batch, self.encoder.together(batch.micro_batches))
        output, gradient = self.loss(embeddings.detach(), batch, backward)
        pass_back(embeddings, gradient, backward)
        return replace(output, left_out=left_out(gradient, (), self.negligible)) if self.negligible else output

    def _cached(self, batch: Batch, backward: Backward) -> StepOutput:
        # Features of a frozen tower serve all micro-batches and the replay. Those of a trained one must be made again, with their graph,
        # and each micro-batch makes its own both times: what it draws at random (an adapter's dropout) must be the same in the replay.
        known = KeptFeatures(self.features) if self.encoder.vision_is_frozen else None
        replayed = batch.micro_batches[: self.num_replayed(batch)]
        kept = batch.micro_batches[len(replayed) :]
        states: list[RandomState] = []
        parts: list[Tensor] = []
        with torch.no_grad():
            for micro in replayed:
                states.append(RandomState(micro.input_ids.device))
                parts.append(self.encoder(micro, self.encoder.encode_media(micro, known)))
        torch.clear_autocast_cache()  # of weights cast without graph, which older torch would use for what has one
        with_graph = [self.encoder(micro, self.encoder.encode_media(micro, known)) for micro in kept]
        parts += [embeddings.detach() for embeddings in with_graph]
        output, gradient = self.loss(in_order(batch, parts), batch, backward)
        if kept:
            pass_back(torch.cat(with_graph), torch.cat([gradient[micro.contents] for micro in kept]), backward)
            del with_graph
        if self.negligible:
            left = left_out(gradient, replayed, self.negligible)
            replay_needed(self.encoder, replayed, left.needed, known, gradient, backward)
            output = replace(output, left_out=left)
        else:
            replay(self.encoder, replayed, states, known, gradient, backward)
        self.tell(known)
        return output

    def tell(self, known: KeptFeatures | None) -> None:
        """Says, of the first step where it is so, how many media had features beyond the bound."""
        if known is None or self._is_told or not (known.num_left_out or known.num_on_host):
            return
        self._is_told = True
        log.info(
            "features of a frozen tower over a step: %d media kept on the device (%s tokens, trainer.feature_tokens=%s), %d in the host's "
            "memory, %d not: these were seen another %d times",
            *(len(known) - known.num_on_host, f"{known.num_tokens:,}", f"{known.bound.tokens:,}"),
            *(known.num_on_host, known.num_left_out, known.num_again),
        )

    def num_replayed(self, batch: Batch) -> int:
        """Returns how many of the first micro-batches do not keep their activations; the last, shorter contents, fill the room best.

        One alone is kept whatever its size: to pass it twice would save nothing.
        """
        if self.budget is not None:
            return self.budget.num_replayed(batch.micro_batches, is_one_pass=self.keeps_in_one_pass)
        room = self.graph_tokens or 0
        if len(batch.micro_batches) == 1:
            return 0
        for place in reversed(range(len(batch.micro_batches))):
            room -= batch.micro_batches[place].input_ids.numel()
            if room < 0:
                return place + 1
        return 0

    def loss(self, embeddings: Tensor, batch: Batch, backward: Backward) -> tuple[StepOutput, Tensor]:
        """Returns what is known of the global batch, and the gradient of its loss at this rank's embeddings, (U, D)."""
        pool = share_pool(embeddings, batch.relations, whole=not getattr(self.objective, "takes_exchange", False))
        leaf = pool.embeddings.requires_grad_()
        more = {} if pool.exchange is None else {"exchange": pool.exchange}
        output = self.objective(leaf, pool.relations, pool.rows, **more)
        total = sum_over_ranks(output.loss.detach().clone())
        _check_finite(total, batch)  # of the sum, so that either all ranks stop or none
        backward(output.loss)
        terms = replace(output.terms, row=output.terms.row - pool.first_row)
        found = StepOutput(replace(output, loss=total, terms=terms), embeddings.detach(), batch.relations)
        return found, pool.own_gradient()


def in_order(batch: Batch, parts: list[Tensor]) -> Tensor:
    """Puts the embeddings of the micro-batches back in the order of the pool: (U, D)."""
    places = torch.cat([micro.contents for micro in batch.micro_batches])
    return torch.cat(parts)[torch.argsort(places)]


def _check_finite(loss: Tensor, batch: Batch) -> None:
    if not torch.isfinite(loss):
        raise NonFiniteLossError(float(loss.detach()), batch.keys)


def count_tokens(micro_batches: list[MicroBatch]) -> tuple[Tensor, int]:
    """Returns the tokens of micro-batches without padding, a scalar on their device (a GPU is not waited for), and with it."""
    real = torch.stack([micro.attention_mask.sum() for micro in micro_batches]).sum()
    return real, sum(micro.attention_mask.numel() for micro in micro_batches)
