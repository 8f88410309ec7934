"""What InfoNCE and MAMCL share: everything but the modality rule."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from unite.batch import Relations
from unite.config.schema.objective import HardnessOn, ObjectiveConfig
from unite.errors import TrainingError, must_be
from unite.objective.blockwise import contrast
from unite.objective.comparison import Scores, Weighing
from unite.objective.in_pieces import Apart, Exchange
from unite.objective.masks import directions
from unite.objective.output import ObjectiveOutput, Terms
from unite.objective.temperature import Temperature
from unite.types import Modality

logger = logging.getLogger(__name__)

#: One more than the largest `Modality.value`.
_NUM_VALUES = 1 << len(Modality)


class Contrastive(nn.Module):
    """A contrastive loss over the pool of a batch. `unite.objective` states it; `InfoNCE` and `MAMCL` are the ones to use.

    Args:
        config: the options, each documented there.
        within_modality: whether targets compete only with targets of their modality.

    Raises:
        ConfigError: if the temperature is out of its range. DataError: if a name in `modality_weights` is no modality.
    """

    takes_exchange = True  # so that nothing is gathered for it; see `unite.training.step`
    modality_weight: Tensor

    def __init__(self, config: ObjectiveConfig, *, within_modality: bool) -> None:
        super().__init__()
        self.within_modality = within_modality
        self.symmetric = config.symmetric
        self.temperature = Temperature(config.temperature, config.learnable_temperature)
        self.query_query, self.candidate_candidate = config.query_query, config.candidate_candidate
        self.weighing = Weighing(
            config.false_negative_margin, config.margin_spares_hand_made, config.hardness, config.hardness_on is HardnessOn.all
        )
        self.register_buffer("modality_weight", _weight_table(config.modality_weights), persistent=False)
        self._warned = False

    def forward(
        self, embeddings: Tensor, relations: Relations, rows: Tensor | None = None, exchange: Exchange | None = None
    ) -> ObjectiveOutput:
        """Returns the loss of the rows and what is known of their terms. The gradient of one loss can be taken once.

        Args:
            embeddings: (U, D), L2-normalised, any float dtype; with `exchange`, the (U_r, D) of this process.
            relations: over the U contents.
            rows: (r,) the rows to score; all by default. With the rows split over ranks, each rank holding the embeddings of the whole
                pool, the ranks' losses sum to the loss of all rows, and so do the gradients.
            exchange: brings the other embeddings, piece by piece. Rows are then those whose contents are here, and the gradient at the
                embeddings is that of the loss of all rows.

        Raises:
            TrainingError: if the shapes disagree or an index is outside the pool.
        """
        apart = None if exchange is None else Apart(relations, exchange)
        _check(embeddings, relations, rows, apart)
        temperature = self.temperature()
        scored = directions(
            relations,
            rows,
            self.modality_weight,
            within_modality=self.within_modality,
            symmetric=self.symmetric,
            query_query=self.query_query,
            candidate_candidate=self.candidate_candidate,
        )
        loss, scores = contrast(embeddings, temperature, scored, self.weighing, apart)
        forward = scored[0]
        modality = relations.modality[forward.target]
        self._warn_without_negatives(scores, modality)
        terms = Terms(forward.row, relations.modality[forward.anchor], modality, *scores)
        return ObjectiveOutput(loss, terms, temperature.detach())

    def _warn_without_negatives(self, scores: Scores, modality: Tensor) -> None:
        if self._warned:
            return
        alone = scores.num_negatives == 0
        if not bool(alone.any()):
            return
        self._warned = True
        names = ", ".join(str(Modality(value)) for value in torch.unique(modality[alone]).tolist())
        logger.warning(
            "%d of %d positives have no negative in the batch, so they add nothing to the loss (modality %s). "
            "A larger batch or a mixture with more of it gives them some. Said once; see the metric share_without_negatives.",
            int(alone.sum()),
            len(alone),
            names,
        )


def _weight_table(weights: Mapping[str, float]) -> Tensor:
    table = torch.ones(_NUM_VALUES, dtype=torch.float32)
    for name, weight in weights.items():
        table[Modality.parse(name).value] = weight
    return table


def _check(embeddings: Tensor, relations: Relations, rows: Tensor | None, apart: Apart | None) -> None:
    num_rows, num_contents = relations.num_rows, relations.num_contents
    num_here = num_contents if apart is None else apart.own.stop - apart.own.start
    if embeddings.ndim != 2 or len(embeddings) != num_here:
        raise TrainingError(must_be("the shape of the embeddings", f"({num_here}, D), a row a content", tuple(embeddings.shape)))
    for name, shape in {"fingerprint": (num_contents,), "identity": (num_contents,)}.items():
        if getattr(relations, name).shape != shape:
            raise TrainingError(must_be(f"the shape of relations.{name}", f"{shape}", tuple(getattr(relations, name).shape)))
    for name in ("positive", "negative"):
        index = getattr(relations, name)
        if index.ndim != 2 or len(index) != num_rows:
            raise TrainingError(must_be(f"the shape of relations.{name}", f"({num_rows}, n), a row a query", tuple(index.shape)))
    _check_range("relations.query", relations.query, 0, num_contents)
    _check_range("relations.positive", relations.positive, -1, num_contents)
    _check_range("relations.positive[:, 0]", relations.positive[:, :1], 0, num_contents)
    _check_range("relations.negative", relations.negative, -1, num_contents)
    _check_range("relations.modality", relations.modality, 1, _NUM_VALUES)
    if rows is not None:
        _check_range("rows", rows, 0, num_rows)


def _check_range(name: str, index: Tensor, low: int, end: int) -> None:
    if index.numel() == 0:
        return
    least, most = (int(value) for value in index.aminmax())
    if least < low or most >= end:
        raise TrainingError(must_be(name, f"in {low}..{end - 1}", least if least < low else most))
