"""The steps between two rows of the log, as sums on the device: nothing is read before the window ends, and then all of it at once.

    each step     terms -> the cell of their source and modalities    (S, M, M, V) sums
                  loss, gradient norm, tokens                         scalars
    at its end    all_reduce over the ranks, one transfer, means      the job's, not rank 0's

Shapes: S sources, M one more than the largest `Modality.value`, V values of a term, T terms of a step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unite.batch import Batch
from unite.objective import Terms
from unite.training.parallel import sum_over_ranks
from unite.training.step import StepOutput, count_tokens
from unite.types import Modality

_NUM_MODALITIES = 1 << len(Modality)
#: The V values that are summed over terms; `hardest` over those that have a negative.
_VALUES = ("terms", "with_negatives", "correct", "loss", "positive_similarity", "hardest", "num_negatives")


@dataclass(frozen=True)
class WindowMeans:
    """A window of all ranks together.

    Attributes:
        means: by their keys in the log under `train/`; what nothing was there for is left out.
        num_rows, num_cut, num_contents, num_tokens, num_padded_tokens: in all; rows of which a text lost its end, contents that a rank
            encoded, tokens without padding.
    """

    means: dict[str, float]
    num_rows: int
    num_cut: int
    num_contents: int
    num_tokens: int
    num_padded_tokens: int


class Window:
    """Adds up steps and gives their means.

    Args:
        sources: the names of all sources a batch may have; the same ones in the same order on every rank.
    """

    def __init__(self, sources: Sequence[str]) -> None:
        self.sources = list(dict.fromkeys(sources))
        self._place = {name: place for place, name in enumerate(self.sources)}
        self._start()

    def _start(self) -> None:
        self.num_steps = 0
        self._counts: Counter[str] = Counter()
        self._rows: Counter[str] = Counter()
        self._sums: dict[str, Tensor] = {}
        self._cells: Tensor | None = None

    def add(self, batch: Batch, output: StepOutput, gradient_norm: Tensor) -> None:
        """Adds a step, without waiting for the device.

        Args:
            batch: of this rank.
            output: of its step.
            gradient_norm: scalar, of the global batch; one that is not finite, of a step that was not taken, is left out.
        """
        tokens, padded = count_tokens(batch.micro_batches)
        self.num_steps += 1
        rows, contents = batch.relations.num_rows, batch.relations.num_contents
        self._counts.update(rows=rows, cut=len(batch.cut), contents=contents, padded_tokens=padded)
        self._rows.update(batch.sources)
        taken = torch.isfinite(gradient_norm)
        norm = torch.where(taken, gradient_norm, 0.0)
        scalars = {"loss": output.loss, "gradient_norm": norm, "taken": taken, "tokens": tokens, **output.objective.parts}
        scalars |= {} if output.left_out is None else output.left_out.told
        for name, value in scalars.items():
            value = value.to(output.loss)  # float32, on the device
            self._sums[name] = self._sums[name] + value if name in self._sums else value
        terms = output.objective.terms
        if self._cells is None:
            self._cells = torch.zeros(len(self.sources) * _NUM_MODALITIES**2, len(_VALUES), device=terms.loss.device)
        source = torch.tensor([self._place[name] for name in batch.sources], dtype=torch.int64)
        source = source.to(terms.row.device, non_blocking=True)[terms.row]
        cell = (source * _NUM_MODALITIES + terms.query_modality) * _NUM_MODALITIES + terms.positive_modality
        self._cells.index_add_(0, cell, _values(terms))

    def close(self) -> WindowMeans | None:
        """Returns the means of all ranks and starts the next window; None if there was no step. All ranks call it at the same step."""
        if self._cells is None:
            return None
        counted = {"steps": self.num_steps, **self._counts, **{f"rows/{name}": self._rows[name] for name in self.sources}}
        names = [*counted, *self._sums]
        device = self._cells.device
        scalars = torch.cat([torch.tensor(list(counted.values()), dtype=torch.float32).to(device), torch.stack(list(self._sums.values()))])
        summed = sum_over_ranks(torch.cat([scalars, self._cells.flatten()])).cpu().double()
        sums = dict(zip(names, summed[: len(names)].tolist(), strict=True))
        cells = summed[len(names) :].view(len(self.sources), _NUM_MODALITIES, _NUM_MODALITIES, len(_VALUES))
        parts = [name for name in self._sums if name not in ("loss", "gradient_norm", "taken", "tokens")]
        # Each rank counts its steps, and knows the whole job's loss and norm at each; of a part it knows its own share.
        means = {"loss": sums["loss"] / sums["steps"]}
        means |= {"gradient_norm": sums["gradient_norm"] / sums["taken"]} if sums["taken"] else {}
        means |= {name: sums[name] / self.num_steps for name in parts}
        means |= _by_pair(cells.sum(0)) | self._by_source(cells.sum((1, 2)), sums) | _overall(cells.sum((0, 1, 2)))
        self._start()
        return WindowMeans(means, *(round(sums[name]) for name in ("rows", "cut", "contents", "tokens", "padded_tokens")))

    def _by_source(self, cells: Tensor, sums: dict[str, float]) -> dict[str, float]:
        """Returns the means of each source that came, from its (S, V) sums."""
        means: dict[str, float] = {}
        for name, values in zip(self.sources, cells.tolist(), strict=True):
            sum_of = dict(zip(_VALUES, values, strict=True))
            means[f"source/{name}/samples_share"] = sums[f"rows/{name}"] / sums["rows"]
            if sum_of["terms"]:
                means |= {f"source/{name}/{key}": value for key, value in _loss_and_accuracy(sum_of).items()}
        return means


def _values(terms: Terms) -> Tensor:
    """Returns the (T, V) values of terms."""
    negative = terms.num_negatives > 0
    hardest = torch.where(negative, terms.hardest_negative, 0.0)
    columns = (negative, terms.correct, terms.loss, terms.positive_similarity, hardest, terms.num_negatives)
    return torch.stack([torch.ones_like(terms.loss), *(column.float() for column in columns)], dim=1)


def _by_pair(cells: Tensor) -> dict[str, float]:
    """Returns loss and accuracy of each pair of modalities that came, from its (M, M, V) sums."""
    means: dict[str, float] = {}
    for query, positive in cells[..., 0].nonzero().tolist():
        sum_of = dict(zip(_VALUES, cells[query, positive].tolist(), strict=True))
        pair = f"{Modality(query)}-to-{Modality(positive)}"
        means |= {f"{key}/{pair}": value for key, value in _loss_and_accuracy(sum_of).items()}
    return means


def _overall(values: Tensor) -> dict[str, float]:
    """Returns the means over all terms, from their (V,) sums."""
    sum_of = dict(zip(_VALUES, values.tolist(), strict=True))
    num_terms = max(sum_of["terms"], 1)
    means = {name: sum_of[name] / num_terms for name in ("positive_similarity", "num_negatives")}
    means |= {"accuracy": sum_of["correct"] / num_terms, "share_without_negatives": 1 - sum_of["with_negatives"] / num_terms}
    return means | ({"hardest_negative": sum_of["hardest"] / sum_of["with_negatives"]} if sum_of["with_negatives"] else {})


def _loss_and_accuracy(sum_of: dict[str, float]) -> dict[str, float]:
    return {"loss": sum_of["loss"] / sum_of["terms"], "accuracy": sum_of["correct"] / sum_of["terms"]}
