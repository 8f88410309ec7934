"""One pool of the candidates of all tasks, of several modalities: what a user meets who keeps all in one index.

Shapes: Q queries and C candidates of a task, P contents of the pool, D dimensions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from unite.batch import index_tensor
from unite.embedding.geometry import hit_modalities
from unite.evaluation.metrics import Judged
from unite.evaluation.tasks import RetrievalTask
from unite.retrieval.ranks import ranks
from unite.types import Modality


class MixedPool:
    """The candidates that are added, each content once. A content that is the query itself is no candidate of that query.

    Args:
        device: where to rank; on a GPU if there is one by default.
    """

    def __init__(self, device: torch.device | None = None) -> None:
        self._device = device
        self._place: dict[int, int] = {}
        self._rows: list[Tensor] = []
        self._modality: list[int] = []

    def add(self, prints: Sequence[int], embeddings: Tensor, modality: Modality) -> None:
        """Adds candidates of one modality.

        Args:
            prints: of their contents.
            embeddings: (C, D) of them.
        """
        for key, embedding in zip(prints, embeddings, strict=True):
            if key not in self._place:
                self._place[key] = len(self._rows)
                self._rows.append(embedding)
                self._modality.append(modality.value)

    def shares(self) -> dict[str, float]:
        """Returns the share of the pool that each modality has."""
        return {str(Modality(value)): self._modality.count(value) / len(self._modality) for value in sorted(set(self._modality))}

    def hits(self, queries: Tensor, prints: Sequence[int], k: int) -> dict[str, float]:
        """Returns the share that each modality has of the k best hits, over all queries.

        Args:
            queries: (Q, D).
            prints: of their contents.
        """
        found = self._hit_modalities(queries, prints, k)
        return {str(Modality(value)): float((found == value).double().mean()) for value in sorted(set(self._modality))}

    def wrong_shares(self, queries: Tensor, prints: Sequence[int], wanted: Modality, k: int) -> Tensor:
        """Returns (Q,) the share of each query's k best hits that are not of the modality wanted.

        Args:
            queries: (Q, D).
            prints: of their contents.
        """
        return (self._hit_modalities(queries, prints, k) != wanted.value).double().mean(dim=1)

    def _hit_modalities(self, queries: Tensor, prints: Sequence[int], k: int) -> Tensor:
        itself = index_tensor([self._place.get(key, -1) for key in prints])
        k = min(k, len(self._rows) - 1)
        pool, modality = torch.stack(self._rows), index_tensor(self._modality)
        return hit_modalities(queries, pool, modality, k=k, itself=itself, device=self._device)

    def beside(
        self, task: RetrievalTask, queries: Tensor, prints: Sequence[int], candidates: Tensor, judged: Mapping[str, Judged]
    ) -> dict[str, Judged]:
        """Returns where the relevant candidates stand once the pool's contents of other modalities are beside those of the task.

        Args:
            queries: (Q, D) of the task.
            prints: of their contents.
            candidates: (C, D) of the task.
            judged: where the relevant candidates stand among those of the task.
        """
        others = [place for place, modality in enumerate(self._modality) if modality != task.candidate_modality.value]
        if not others:
            return dict(judged)
        everyone = torch.cat([candidates, torch.stack([self._rows[place] for place in others])])
        column_of = {place: len(candidates) + column for column, place in enumerate(others)}
        itself = index_tensor([column_of.get(self._place.get(key, -1), -1) for key in prints])[:, None]
        row_of = {name: row for row, name in enumerate(task.candidate_ids)}
        width = max(map(len, task.relevant.values()))
        targets = index_tensor(
            [[row_of[name] for name in grades] + [-1] * (width - len(grades)) for grades in task.relevant.values()],
        )
        # One behind the other, so that of equal scores the task's own candidate comes first.
        among_all = ranks(queries, everyone, torch.cat([targets, itself], dim=1), device=self._device)
        among_all, of_itself = among_all[:, :-1], among_all[:, -1:]
        above = among_all - ranks(queries, candidates, targets, device=self._device) - ((of_itself > 0) & (of_itself < among_all)).long()
        return {
            name: replace(judged[name], ranks=tuple(rank + more for rank, more in zip(judged[name].ranks, row, strict=False)))
            for name, row in zip(task.relevant, above.tolist(), strict=True)
        }
