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

from unite.batch import Relations
from unite.types import Modality

#: More than the largest `Modality.value`.
_GROUPS = 1 << len(Modality)


@dataclass(eq=False)
class Rivals:
    """Targets of a block, and what of a term is compared with them.

    Attributes:
        anchor: (T,) contents, one of each of the direction's terms: its anchor, or its own target.
        contents: (S,) the targets, ascending by identity; a target's place here is its column.
        identities: (S,) of the targets.
        right: what leads from a term's anchor to targets that are right for it as well, of the whole pool: one or more steps, each two
            tensors (N,): a content, ascending, and what it leads to, in the last step a column.
        column: (U,) of each content, -1 where it is no target; None where a hand-made negative means no target.
    """

    anchor: Tensor
    contents: Tensor
    identities: Tensor
    right: list[tuple[Tensor, Tensor]]
    column: Tensor | None

    def excluded(self, anchors: Tensor, identities: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yields places (row, column) of the (t, S) similarities that are no negatives, given the terms' anchors (t,) and identities."""
        row, column = _matches(identities.flatten(), self.identities)
        yield row // identities.shape[1], column
        row, reached = torch.arange(len(anchors), device=anchors.device), anchors
        for known, leads_to in self.right:
            nth, pair = _matches(reached, known)
            row, reached = row[nth], leads_to[pair]
        yield row, reached

    def within(self, start: int, end: int) -> Rivals:
        """Returns those with the targets among the contents `start` to `end` alone; columns count these."""
        inside = (self.contents >= start) & (self.contents < end)
        place = _places(inside)
        *steps, (known, column) = self.right
        column = place[column]
        reached = column >= 0
        columns = None if self.column is None else torch.where(self.column >= 0, place[self.column.clamp(min=0)], -1)
        right = [*steps, (known[reached], column[reached])]
        return Rivals(self.anchor, self.contents[inside], self.identities[inside], right, columns)


@dataclass(eq=False)
class Block:
    """The targets of one modality, and the terms that score them. Without a modality rule there is one block with all.

    Attributes:
        terms: (t,) the direction's terms whose own target is in the block.
        columns: (t,) the column of each term's own target among the first rivals; -1 where it is none of them (`within`).
        rivals: all that compete in one sum; the columns of the second follow those of the first.
    """

    terms: Tensor
    columns: Tensor
    rivals: list[Rivals]

    def within(self, start: int, end: int) -> Block:
        """Returns the same terms with the targets among the contents `start` to `end` alone."""
        place = _places((self.rivals[0].contents >= start) & (self.rivals[0].contents < end))
        return Block(self.terms, place[self.columns], [rivals.within(start, end) for rivals in self.rivals])


@dataclass(eq=False)
class Direction:
    """One way of scoring: T anchors, each against its own target and its rivals.

    Attributes:
        row: (T,) of the relations.
        anchor, target: (T,) contents.
        weight: (T,) float32; over all ranks and directions they sum to 1.
        identities: (T, 1 + P) of all contents of the term's row.
        hand_made: (T, K) the row's hand-made negatives, -1 where there are fewer; none the other way.
        blocks: every term is in exactly one.
    """

    row: Tensor
    anchor: Tensor
    target: Tensor
    weight: Tensor
    identities: Tensor
    hand_made: Tensor
    blocks: list[Block]

    def excluded(self, block: Block, terms: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yields places (row, column) of the (len(terms), S) similarities that are no negatives, each term's own target among them.

        S counts the columns of all rivals.
        """
        start = 0
        for rivals in block.rivals:
            for row, column in rivals.excluded(self.anchor[terms], self.identities[terms]):
                yield row, column + start
            start += len(rivals.contents)

    def hand_made_places(self, block: Block, terms: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the places (row, column) of the terms' own hand-made negatives; a negative of several comparisons has several."""
        rows, columns, start = [terms[:0]], [terms[:0]], 0
        contents = self.hand_made[terms]
        for rivals in block.rivals:
            if rivals.column is not None:
                column = torch.where(contents >= 0, rivals.column[contents.clamp(min=0)], -1)
                row, slot = (column >= 0).nonzero(as_tuple=True)
                rows.append(row)
                columns.append(column[row, slot] + start)
            start += len(rivals.contents)
        return torch.cat(rows), torch.cat(columns)


def first_of_equals(relations: Relations) -> Tensor:
    """Returns for each content the first of those with its fingerprint, which stands for them all: (U,)."""
    _, group = torch.unique(relations.fingerprint, return_inverse=True)
    place = torch.arange(relations.num_contents, device=group.device)
    return torch.full_like(place, relations.num_contents).scatter_reduce(0, group, place, "amin")[group]


def deduplicated(relations: Relations) -> Relations:
    """Returns relations in which every content stands for the first of those with its fingerprint."""
    first = first_of_equals(relations)

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
    relations: Relations,
    rows: Tensor | None,
    modality_weight: Tensor,
    *,
    within_modality: bool,
    symmetric: bool,
    query_query: bool = False,
    candidate_candidate: bool = False,
) -> list[Direction]:
    """Returns the directions to score: query -> candidate first and, if symmetric, candidate -> query.

    Args:
        relations: of the whole pool.
        rows: (r,) the rows to score; all by default.
        modality_weight: (1 << number of modalities,) float, by `Modality.value`.
        within_modality: whether targets of other modalities than the term's own are left out (MAMCL).
        symmetric: whether to score the reverse direction too; both then weigh half.
        query_query, candidate_candidate: whether a term's sum also has its query against the other queries, its positive against the
            other candidates; in the first direction.
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
    queries = torch.unique(query)

    def direction(
        anchor: Tensor, target: Tensor, targets: Tensor, hand_made: Tensor, more: tuple[bool, bool] = (False, False)
    ) -> Direction:
        anchors_too, targets_too = more
        ours, own = anchor[scored], target[scored]
        group = key[own] * _GROUPS + (key[ours] if anchors_too else 0)
        blocks = []
        for value in torch.unique(group).tolist():
            terms = (group == value).nonzero().squeeze(1)
            contents, column = _in_columns(targets[key[targets] == value // _GROUPS], relations)
            right = [_table(anchor, column[target])]
            identity = relations.identity[contents]
            rivals = [Rivals(ours, contents, identity, right, column)]
            if targets_too:
                rivals.append(Rivals(own, contents, identity, right, column))
            if anchors_too:  # the anchors that share a target with this one are right for what it is right for
                beside, place = _in_columns(queries[key[queries] == value % _GROUPS], relations)
                shared = [_table(anchor, target), _table(target, place[anchor])]
                rivals.append(Rivals(ours, beside, relations.identity[beside], shared, None))
            blocks.append(Block(terms, column[own[terms]], rivals))
        return Direction(row[scored], ours, own, weight[scored], identities[row[scored]], hand_made, blocks)

    hand_made = relations.negative[row[scored]]
    forward = direction(query, positive, candidates, hand_made, (query_query, candidate_candidate))
    return [forward, direction(positive, query, queries, hand_made[:, :0])] if symmetric else [forward]


def _places(inside: Tensor) -> Tensor:
    """Returns the place of each that is inside among those that are, -1 of the others."""
    return torch.where(inside, inside.cumsum(0) - 1, -1)


def _in_columns(contents: Tensor, relations: Relations) -> tuple[Tensor, Tensor]:
    """Returns contents (S,) ascending by identity, and the column of each content of the pool (U,), -1 where it is not among them."""
    contents = contents[relations.identity[contents].argsort(stable=True)]
    column = torch.full_like(relations.modality, -1)
    column[contents] = torch.arange(len(contents), device=contents.device)
    return contents, column


def _table(known: Tensor, leads_to: Tensor) -> tuple[Tensor, Tensor]:
    """Returns pairs ascending by the first, without those that lead to no column."""
    inside = leads_to >= 0
    known, order = known[inside].sort(stable=True)
    return known, leads_to[inside][order]


def _matches(keys: Tensor, table: Tensor) -> tuple[Tensor, Tensor]:
    """Returns all (i, j) with keys[i] == table[j], for an ascending table."""
    start = torch.searchsorted(table, keys)
    count = torch.searchsorted(table, keys, right=True) - start
    left = torch.arange(len(keys), device=keys.device).repeat_interleave(count)
    nth = torch.arange(len(left), device=keys.device) - (count.cumsum(0) - count)[left]
    return left, start[left] + nth
