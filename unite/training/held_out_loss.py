"""The stage's own loss over fixed batches of held-out rows, from embeddings alone.

    rows of an order like that of training -> unique contents of all batches -> embeddings, each once -> the objective, batch by batch

Shapes: U contents of all batches, u of one of them, D dimensions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from unite.batch import Relations
from unite.data.collate import relate
from unite.data.order import MixtureOrder
from unite.data.rows import Row
from unite.data.shards import ShardReader
from unite.data.source import SourceDataModule
from unite.embedding.lazy import LazyContent
from unite.errors import DataError, must_be
from unite.evaluation.pair_tasks import RowContents, RowSide, row_side
from unite.progress import tracked
from unite.types import Modality

#: Batches that the loss is a mean over, where there are so many.
MAX_BATCHES = 16


class HeldOutLoss:
    """Looks up which rows make which batch, and computes the loss of given embeddings.

    Args:
        sources: by name, divided.
        order: of their held-out rows; every row comes at most once.
    """

    def __init__(self, sources: Mapping[str, SourceDataModule], order: MixtureOrder) -> None:
        self.contents = _Contents(sources)
        self.num_batches = min(order.steps_an_epoch, MAX_BATCHES)
        steps = tracked(range(self.num_batches), "reading what is validated on", "batches")
        self._batches = [self._batch(sources, order.batch(step)) for step in steps]

    def _batch(self, sources: Mapping[str, SourceDataModule], samples: Sequence[tuple[str, int]]) -> tuple[Relations, Tensor]:
        pool: dict[int, RowSide] = {}
        rows = []
        for name, at in samples:
            source = sources[name]
            reader = _held_out(source)
            row: Row = reader.read(at)
            others = (*row.positives, *row.negatives)
            sides = [row_side(reader, at, place, one, source.decoding) for place, one in ((None, row.query), *enumerate(others))]
            for side in sides:
                pool.setdefault(side.fingerprint, side)
                self.contents.add(name, side)
            keys = [side.fingerprint for side in sides]
            rows.append((keys[0], keys[1 : 1 + len(row.positives)], keys[1 + len(row.positives) :]))
        place = {key: at for at, key in enumerate(pool)}
        indexed = [(place[query], [place[key] for key in right], [place[key] for key in wrong]) for query, right, wrong in rows]
        return relate(indexed, list(pool.values())), torch.tensor([self.contents.place[key] for key in pool])

    @torch.no_grad()
    def __call__(self, embed: Callable[[Sequence[LazyContent]], Tensor], objective: nn.Module, device: torch.device) -> dict[str, float]:
        """Returns `loss`, the mean over the batches, and `loss/<pair>`, over the terms of a pair.

        Args:
            embed: gives (U, D) embeddings.
            objective: the stage's.
            device: the objective's.
        """
        embeddings = embed(self.contents).to(device)
        outputs = [objective(embeddings[members.to(device)], _moved(relations, device), None) for relations, members in self._batches]
        losses = torch.cat([output.terms.loss for output in outputs])
        pairs = torch.cat([torch.stack([output.terms.query_modality, output.terms.positive_modality]) for output in outputs], dim=1)
        found = {"loss": float(torch.stack([output.loss for output in outputs]).mean())}
        for query, positive in torch.unique(pairs, dim=1).T.tolist():
            here = (pairs[0] == query) & (pairs[1] == positive)
            found[f"loss/{Modality(query)}-to-{Modality(positive)}"] = float(losses[here].mean())
        return found


class _Contents(Sequence[LazyContent]):
    """The contents of all batches, equal ones once, each read when it is asked for."""

    def __init__(self, sources: Mapping[str, SourceDataModule]) -> None:
        self.sources = sources
        self.place: dict[int, int] = {}
        self._sides: list[tuple[str, RowSide]] = []

    def add(self, source: str, side: RowSide) -> None:
        if side.fingerprint not in self.place:
            self.place[side.fingerprint] = len(self._sides)
            self._sides.append((source, side))

    def __len__(self) -> int:
        return len(self._sides)

    def __getitem__(self, at: int) -> LazyContent:  # type: ignore[override]  # no slices: they would make all at once
        name, side = self._sides[at]
        source = self.sources[name]
        return RowContents(_held_out(source), [side], source.decoding)[0]


def _held_out(source: SourceDataModule) -> ShardReader:
    if source.held_out is None:
        raise DataError(must_be(f"source {source.source}", "divided", "whole"))
    return source.held_out


def _moved(relations: Relations, device: torch.device) -> Relations:
    return replace(relations, **{name: getattr(relations, name).to(device) for name in vars(relations)})
