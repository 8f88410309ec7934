"""Finds pictures that are copies of one another, crops and mirror images too, among many.

    unique codes -> cells -> candidates (a picture, and crops of others: 8 frequencies an axis)
                 -> pairs (the best crop of either: 12 frequencies an axis; and colour)

What is far apart is not compared: some pictures, drawn by chance, each stand for a cell, a picture lies in the cells of those most like it,
and a crop is compared with the pictures of the cells most like the crop: a few thousand, and one a cell to find them. Beside the codes it
takes about a kilobyte a picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from unite.curation.picture_codes import (
    COLOUR_COMPARED,
    NUM_COLOUR,
    Array,
    Codes,
    Cut,
    colours_agree,
    compared,
    crop,
    cut_axis,
    is_uniform,
    num_even,
    same_uniform,
)
from unite.progress import tracked

Ids = NDArray[np.int64]
_Number = TypeVar("_Number", bound=np.generic)
#: Frequencies an axis by which candidates are found, and by which they are judged.
_COARSE, _FINE = 8, 12
#: Similarities from which a pair is looked at further: of the coarse frequencies at one of 17 crops, of the fine ones at one of 81.
_CANDIDATE, _LIKELY = 0.78, 0.8
#: Cells that a picture lies in, and in which a crop is looked for.
_MEMBER_OF, _LOOKED_IN = 3, 2
_BLOCK = 1 << 14
_PAIRS = 256


@dataclass(frozen=True)
class PictureRule:
    """When two pictures are one.

    Attributes:
        threshold: cosine of their frequencies at the crop that fits best.
        max_crop: share of a side that may be cut off at each edge.
        mirrored: whether a mirror image is the same picture.
    """

    threshold: float
    max_crop: float
    mirrored: bool

    def similarity(self, ones: Array, others: Array, n: int) -> Array:
        """Returns (A, B) similarities of vectors (A, n * n) and (B, n * n) of `compared`."""
        even = num_even(n)
        odd = ones[:, even:] @ others[:, even:].T
        if self.mirrored:
            np.abs(odd, out=odd)
        odd += ones[:, :even] @ others[:, :even].T
        return odd

    @property
    def coarse_crops(self) -> list[tuple[Cut, Cut]]:
        """Down and across: nothing or all that may be is cut off at each edge; and half of it at all."""
        shares = sorted({0.0, self.max_crop})
        edges: list[Cut] = list(product(shares, shares))
        half: Cut = (self.max_crop / 2, self.max_crop / 2)
        return [*product(edges, edges), *([(half, half)] if self.max_crop else [])]


def alike_pictures(codes: NDArray[np.int8], rule: PictureRule, num_known: int | None = None, cell: int = 1000) -> tuple[Ids, Ids]:
    """Returns the pairs (i, j), i < j, of codes (N, CODE_SIZE), all different, that are of one picture.

    Args:
        codes: of the pictures.
        rule: when two are one.
        num_known: if given, only pairs of one of the first so many and one of the others.
        cell: pictures a cell, on average.
    """
    known = len(codes) if num_known is None else num_known

    def wanted(ones: Ids, others: Ids) -> tuple[Ids, Ids]:
        low, high = np.minimum(ones, others), np.maximum(ones, others)
        keep = low < high if num_known is None else (low < known) & (high >= known)
        pairs = np.unique(low[keep] * len(codes) + high[keep])
        return pairs // len(codes), pairs % len(codes)

    plain, shown = (np.flatnonzero(is_uniform(codes) == whether) for whether in (True, False))
    ones, others = wanted(*_uniform_pairs(codes, plain))
    found = [(ones, others)]
    if len(shown):
        candidates = [wanted(shown[one], shown[other]) for one, other in _candidates(codes[shown], rule, cell)]
        ones, others = wanted(*(np.concatenate(side) for side in zip(*candidates, strict=True)))
        keep = np.concatenate(
            [np.zeros(0, bool), *(_judge(Codes.of(codes[one]), Codes.of(codes[other]), rule) for one, other in _chunks(ones, others))]
        )
        found.append((ones[keep], others[keep]))
    return np.concatenate([one for one, _ in found]), np.concatenate([other for _, other in found])


def _uniform_pairs(codes: NDArray[np.int8], which: Ids) -> tuple[Ids, Ids]:
    read = Codes.of(codes[which])
    pairs = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
    for start in range(0, len(which), 256):
        some = np.arange(start, min(start + 256, len(which)))
        ones, others = (side.ravel() for side in np.meshgrid(some, np.arange(len(which)), indexing="ij"))
        same = same_uniform(read, ones, others)
        pairs.append((which[ones[same]], which[others[same]]))
    return np.concatenate([one for one, _ in pairs]), np.concatenate([other for _, other in pairs])


def _candidates(codes: NDArray[np.int8], rule: PictureRule, size: int) -> Iterator[tuple[Ids, Ids]]:
    """Yields pairs of which the first's crop is like the second, both ways around."""
    whole = np.concatenate([compared(Codes.of(block).structure, _COARSE) for block in _blocks(codes)])
    num_cells = max(1, len(whole) // size)
    centres = whole[np.random.default_rng(0).permutation(len(whole))[:num_cells]]
    members = _by_cell(_cells(whole, centres, rule, _MEMBER_OF), num_cells)
    crops = [(cut_axis(down, _COARSE), cut_axis(across, _COARSE)) for down, across in rule.coarse_crops]
    for down, across in tracked(crops, "comparing pictures", "crops"):
        views = np.concatenate([compared(down @ Codes.of(block).structure @ across.T, _COARSE) for block in _blocks(codes)])
        for cell, asked in enumerate(_by_cell(_cells(views, centres, rule, _LOOKED_IN), num_cells)):
            for start in range(0, len(asked), _BLOCK // 8):
                some = asked[start : start + _BLOCK // 8]
                ones, others = np.nonzero(rule.similarity(views[some], whole[members[cell]], _COARSE) >= _CANDIDATE)
                yield some[ones], members[cell][others]


def _cells(vectors: Array, centres: Array, rule: PictureRule, most: int) -> Ids:
    """Returns (N, at most `most`) the centres most like each vector."""
    most = min(most, len(centres))
    found = [np.argpartition(-rule.similarity(block, centres, _COARSE), most - 1, axis=1)[:, :most] for block in _blocks(vectors, 1 << 12)]
    return np.concatenate(found)


def _by_cell(cells: Ids, num_cells: int) -> list[Ids]:
    """Returns the vectors in each cell, ascending, of the cells (N, m) of each vector."""
    order = np.argsort(cells.ravel(), kind="stable")
    counts = np.bincount(cells.ravel(), minlength=num_cells)
    return [part // cells.shape[1] for part in np.split(order, np.cumsum(counts)[:-1])]


def _judge(ones: Codes, others: Codes, rule: PictureRule) -> NDArray[np.bool_]:
    """Says of each pair (M,) whether one is the other or a crop of it."""
    return _is_crop(ones, others, rule) | _is_crop(others, ones, rule)


def _is_crop(wholes: Codes, parts: Codes, rule: PictureRule) -> NDArray[np.bool_]:
    """Says of each pair whether the second is the first or a crop of it: the best of 81 crops, then the best of 81 around it."""
    cuts, few, around = _cuts(rule.max_crop)
    operators = np.stack([cut_axis(cut, _FINE) for cut in cuts])
    target = compared(parts.structure, _FINE)
    found = np.zeros(len(target), bool)
    everywhere = np.broadcast_to(few, (len(target), len(few)))
    score, down, across, _ = _best(wholes.structure, target, operators, everywhere, everywhere, rule)
    likely = np.flatnonzero(score >= min(_LIKELY, rule.threshold))
    if len(likely):
        score, down, across, turned = _best(
            wholes.structure[likely], target[likely], operators, around[down[likely]], around[across[likely]], rule
        )
        colour = np.stack([cut_axis(cut, COLOUR_COMPARED, NUM_COLOUR) for cut in cuts])
        cropped = colour[down][:, None] @ wholes.colour[likely] @ colour[across][:, None].swapaxes(-1, -2)
        cropped[turned, ..., 1::2] *= -1
        found[likely] = (score >= rule.threshold) & colours_agree(cropped, parts.colour[likely, :, :COLOUR_COMPARED, :COLOUR_COMPARED])
    return found


def _best(
    structure: Array, target: Array, operators: Array, down: Ids, across: Ids, rule: PictureRule
) -> tuple[Array, Ids, Ids, NDArray[np.bool_]]:
    """Returns of each pair the highest similarity among crops, which cut it is down and across (of operators), and whether it is mirrored.

    Args:
        structure: (M, F, F) of whole pictures.
        target: (M, n * n) of what may be a crop of them.
        operators: of the cuts.
        down, across: (M, A) which to try.
    """
    crops = compared(crop(structure, operators[down], operators[across]), _FINE)  # (M, A, A, n * n)
    even = num_even(_FINE)
    straight, odd = (
        (crops[..., part] @ target[:, None, part, None])[..., 0].reshape(len(target), -1) for part in (slice(even), slice(even, None))
    )
    score = straight + (np.abs(odd) if rule.mirrored else odd)
    pairs = np.arange(len(target))
    best = score.argmax(axis=1)
    place_down, place_across = np.divmod(best, across.shape[1])
    return score[pairs, best], down[pairs, place_down], across[pairs, place_across], (odd[pairs, best] < 0) & rule.mirrored


@cache
def _cuts(max_crop: float) -> tuple[list[Cut], Ids, Ids]:
    """Returns the cuts of a side in quarters of the largest, which of them are in halves, and (C, 9) those around each, itself too."""
    grid = np.unique(np.linspace(0, max_crop, 5)).tolist()
    places = list(product(range(len(grid)), repeat=2))
    number = {place: at for at, place in enumerate(places)}
    around = [
        [number[min(max(left + i, 0), len(grid) - 1), min(max(right + j, 0), len(grid) - 1)] for i, j in product((-1, 0, 1), repeat=2)]
        for left, right in places
    ]
    few = [at for at, (left, right) in enumerate(places) if left % 2 == right % 2 == 0]
    return [(grid[left], grid[right]) for left, right in places], np.array(few), np.array(around)


def _chunks(ones: Ids, others: Ids) -> Iterator[tuple[Ids, Ids]]:
    for start in range(0, len(ones), _PAIRS):
        yield ones[start : start + _PAIRS], others[start : start + _PAIRS]


def _blocks(array: NDArray[_Number], size: int = _BLOCK) -> Iterator[NDArray[_Number]]:
    for start in range(0, len(array), size):
        yield array[start : start + size]
