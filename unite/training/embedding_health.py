"""How the embeddings lie in their space while they are trained: collapse and gaps show here before the loss tells."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from typing_extensions import override

from unite.batch import Batch
from unite.embedding.geometry import alignment, effective_rank, modality_gap, uniformity
from unite.errors import ConfigError, must_be
from unite.training.step import StepOutput
from unite.types import Modality

#: A single batch is of few sources, so the last steps give some rows each. The weights hardly move within them.
STEPS, ROWS_A_STEP = 16, 32


class EmbeddingHealth(pl.Callback):
    """Logs what a sample of the training rows, each with its first positive, looks like; of several ranks, the first one's rows.

    `health/alignment`: mean squared distance of positive pairs, 0 is best. `health/uniformity`: log of the mean Gaussian potential, lower
    is more uniform, 0 is collapsed. `health/effective_rank`: dimensions in use, at most the smaller of width and number of contents.
    `health/modality_gap/<a>-<b>`: distance between the centres of two modalities. `unite.embedding.geometry` has the papers. Equal
    contents count once; in alignment, equal pairs as often as they come.

    Args:
        every: steps between two rows of the log.
    """

    def __init__(self, every: int) -> None:
        if every < 1:
            raise ConfigError(must_be("trainer.health_every_n_steps", "at least 1, or 0 for never", every))
        self.every = every
        self._kept: list[tuple[Tensor, ...]] = []

    @override
    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Batch, batch_idx: int) -> None:
        left = -trainer.global_step % self.every
        if not trainer.is_global_zero or left >= STEPS:
            return
        self._kept.append(sample(outputs["step"]))
        if left == 0:
            values = health(*(torch.cat(parts).cpu() for parts in zip(*self._kept, strict=True)))
            self._kept.clear()
            for logger in trainer.loggers:
                logger.log_metrics({f"health/{name}": value for name, value in values.items()}, step=trainer.global_step)


def sample(output: StepOutput) -> tuple[Tensor, ...]:
    """Returns embeddings (n, 2, D), modalities and fingerprints (n, 2) of the first rows' queries and positives."""
    relations = output.relations
    contents = torch.stack([relations.query, relations.positive[:, 0]], dim=1)[:ROWS_A_STEP]
    return output.embeddings[contents], relations.modality[contents], relations.fingerprint[contents]


def health(embeddings: Tensor, modality: Tensor, fingerprint: Tensor) -> dict[str, float]:
    """Returns the values by name.

    Args:
        embeddings: (N, 2, D) queries and positives, L2-normalised.
        modality: (N, 2) `Modality.value`.
        fingerprint: (N, 2); of equal ones the first counts.
    """
    _, group = torch.unique(fingerprint.flatten(), return_inverse=True)
    place = torch.arange(len(group))
    first = torch.full_like(place, len(place)).scatter_reduce(0, group, place, "amin")
    first = first[first < len(place)]
    contents, kinds = embeddings.flatten(0, 1)[first], modality.flatten()[first]
    values = {"alignment": alignment(embeddings[:, 0], embeddings[:, 1]), "effective_rank": effective_rank(contents)}
    if len(contents) > 1:
        values["uniformity"] = uniformity(contents)
    for one, other in combinations(torch.unique(kinds).tolist(), 2):
        values[f"modality_gap/{Modality(one)}-{Modality(other)}"] = modality_gap(contents[kinds == one], contents[kinds == other])
    return values
