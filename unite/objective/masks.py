"""The rules of who competes with whom, in one place. The package's docstring states them.

    Relations -> deduplicated -> one Direction (symmetric: two) -> one Block a modality

Shapes: U contents in the pool, B rows, P positives a row, T terms (the scored pairs of row and positive); of one block S targets, t terms.

Nothing of size T x S is made here: the pairs to leave out are found by joining sorted keys, for as many terms as are asked about.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from unite.types import Relations


@dataclass(eq=False)
class Block:
    """The targets of one modality, and the terms that score them. Without a modality rule there is one block with all.

    Attributes:
        contents: (S,) the targets, ascending by identity; a target's place here is its column.
        identities: (S,) of the targets.
        terms: (t,) the direction's terms whose own target is in the block.
        columns: (t,) the column of each term's own target.
        answered, answers: (N,) every known pair of anchor and right target, of the whole pool, whose target is in the block: the anchor
            (a content, ascending) and the target (a column).
    """

    contents: Tensor
    identities: Tensor
    terms: Tensor
    columns: Tensor
    answered: Tensor
    answers: Tensor


@dataclass(eq=False)
class Direction:
    """One way of scoring: T anchors, each against its own target and the rest of the target's block.

    Attributes:
        row: (T,) of the relations.
        anchor, target: (T,) contents.
        weight: (T,) float32; over all ranks and directions they sum to 1.
        identities: (T, 1 + P) of all contents of the term's row.
        blocks: every term is in exactly one.
    """

    row: Tensor
    anchor: Tensor
    target: Tensor
    weight: Tensor
    identities: Tensor
    blocks: list[Block]

    def excluded(self, block: Block, terms: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yields places (row, column) of the (len(terms), S) similarities that are no negatives, each term's own target among them."""
        same = self.identities[terms]
        row, column = _matches(same.flatten(), block.identities)
        yield row // same.shape[1], column
        row, pair = _matches(self.anchor[terms], block.answered)
        yield row, block.answers[pair]


def deduplicated(relations: Relations) -> Relations:
    """Returns relations in which every content stands for the first of those with its fingerprint."""
    _, group = torch.unique(relations.fingerprint, return_inverse=True)
    place = torch.arange(relations.num_contents, device=group.device)
    first = torch.full_like(place, relations.num_contents).scatter_reduce(0, group, place, "amin")[group]

    def mapped(index: Tensor) -> Tensor:
        return torch.where(index >= 0, first[index.clamp(min=0)], index)

    return Relations(
        mapped(relations.query),
        mapped(relations.positive),
        mapped(relations.negative),
        relations.modality,
        relations.fingerprint,
        relations.identity,
    )


def directions(
    relations: Relations, rows: Tensor | None, modality_weight: Tensor, *, within_modality: bool, symmetric: bool
) -> list[Direction]:
    """Returns the directions to score: query -> candidate first and, if symmetric, candidate -> query.

    Args:
        relations: of the whole pool.
        rows: (r,) the rows to score; all by default.
        modality_weight: (1 << number of modalities,) float, by `Modality.value`.
        within_modality: whether targets of other modalities than the term's own are left out (MAMCL).
        symmetric: whether to score the reverse direction too; both then weigh half.
    """
    relations = deduplicated(relations)
    row, slot = (relations.positive >= 0).nonzero(as_tuple=True)
    query, positive = relations.query[row], relations.positive[row, slot]
    num_positives = row.bincount(minlength=relations.num_rows)
    weight = modality_weight.double()[relations.modality[positive]] / num_positives[row]
    weight = (weight / weight.sum() / (2 if symmetric else 1)).float()
    own_query = relations.identity[relations.query][:, None]
    identities = torch.where(relations.positive >= 0, relations.identity[relations.positive.clamp(min=0)], own_query)
    identities = torch.cat([own_query, identities], dim=1)

    scored = slice(None) if rows is None else torch.isin(row, rows)
    key = relations.modality if within_modality else torch.zeros_like(relations.modality)
    candidates = torch.unique(torch.cat([positive, relations.negative[relations.negative >= 0]]))

    def direction(anchor: Tensor, target: Tensor, targets: Tensor) -> Direction:
        scored_target = target[scored]
        blocks = [
            _block(
                targets[key[targets] == value], (key[scored_target] == value).nonzero().squeeze(1), scored_target, anchor, target, relations
            )
            for value in torch.unique(key[scored_target]).tolist()
        ]
        return Direction(row[scored], anchor[scored], scored_target, weight[scored], identities[row[scored]], blocks)

    forward = direction(query, positive, candidates)
    return [forward, direction(positive, query, torch.unique(query))] if symmetric else [forward]


def _block(contents: Tensor, terms: Tensor, scored_target: Tensor, anchor: Tensor, target: Tensor, relations: Relations) -> Block:
    identities, order = relations.identity[contents].sort(stable=True)
    contents = contents[order]
    column = torch.full_like(relations.modality, -1)
    column[contents] = torch.arange(len(contents), device=contents.device)
    inside = column[target] >= 0
    answered, order = anchor[inside].sort(stable=True)
    return Block(contents, identities, terms, column[scored_target[terms]], answered, column[target[inside]][order])


def _matches(keys: Tensor, table: Tensor) -> tuple[Tensor, Tensor]:
    """Returns all (i, j) with keys[i] == table[j], for an ascending table."""
    start = torch.searchsorted(table, keys)
    count = torch.searchsorted(table, keys, right=True) - start
    left = torch.arange(len(keys), device=keys.device).repeat_interleave(count)
    nth = torch.arange(len(left), device=keys.device) - (count.cumsum(0) - count)[left]
    return left, start[left] + nth
