"""Finds what is nearly the same among the sides of rows: near-duplicate and decontamination steps share it.

Texts are told by `near_texts`, pictures by `near_pictures`. What a side has no text or pictures of is not compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from unite.curation.near_pictures import PictureRule, alike_pictures
from unite.curation.near_texts import NearTexts
from unite.curation.signatures import Signatures
from unite.errors import ConfigError, must_be


class Finder(Protocol):
    """Entries of one kind, by number: of those that were added, it finds the ones like another."""

    def has(self, entry: int) -> bool:
        """Whether an entry has what is compared."""
        ...

    def add(self, entry: int) -> None:
        """Lets an entry be found from now on."""
        ...

    def num_candidates(self, entry: int) -> int:
        """Returns at most how many `candidates` would return."""
        ...

    def candidates(self, entry: int) -> set[int]:
        """Returns the entries added that may be like one."""
        ...

    def alike(self, entry: int, others: Collection[int]) -> list[int]:
        """Returns those of some entries that are like one."""
        ...


@dataclass(frozen=True)
class Likeness:
    """When two sides are alike.

    Attributes:
        threshold: Jaccard similarity of two texts' 5-character runs, above 0 to 1.
        picture_threshold: similarity of two pictures, above 0 to 1, see `unite.curation.picture_codes`.
        max_crop: share of a side that may be cut off at each edge of a picture, 0 to 0.2.
        mirrored: whether a mirror image is the same picture.
    """

    threshold: float
    picture_threshold: float
    max_crop: float
    mirrored: bool

    def check(self, name: str) -> None:
        """Raises ConfigError if an option of the step of that name is out of range."""
        for option in ("threshold", "picture_threshold"):
            if not 0 < getattr(self, option) <= 1:
                raise ConfigError(must_be(f"{name}.{option}", "above 0, at most 1", getattr(self, option)))
        if not 0 <= self.max_crop <= 0.2:
            raise ConfigError(must_be(f"{name}.max_crop", "from 0 to 0.2", self.max_crop))

    @property
    def rule(self) -> PictureRule:
        """That for pictures."""
        return PictureRule(self.picture_threshold, self.max_crop, self.mirrored)


class NearPictures:
    """Entries by what they look like.

    Args:
        num: (N,) pictures of each entry.
        codes: (T, CODE_SIZE) of the entries' pictures, one entry after the other.
        rule: when two pictures are one.
        num_known: if given, only the first so many entries are ever added, and only others are asked for.
    """

    def __init__(self, num: NDArray[np.uint8], codes: NDArray[np.int8], rule: PictureRule, num_known: int | None = None) -> None:
        ends = np.cumsum(num, dtype=np.int64)
        known = len(codes) if num_known is None else int(ends[num_known - 1]) if num_known else 0
        different, number = _numbered(codes, known)
        self._pictures = [list(dict.fromkeys(part.tolist())) for part in np.split(number, ends[:-1])] if len(num) else []
        self._near: defaultdict[int, list[int]] = defaultdict(list)
        of_known = None if num_known is None else int(number[:known].max(initial=-1)) + 1
        for one, other in zip(*(side.tolist() for side in alike_pictures(different, rule, of_known)), strict=True):
            self._near[one].append(other)
            self._near[other].append(one)
        self._added: defaultdict[int, list[int]] = defaultdict(list)

    def has(self, entry: int) -> bool:
        """Whether an entry has a picture."""
        return bool(self._pictures[entry])

    def add(self, entry: int) -> None:
        """Lets an entry be found from now on."""
        for picture in self._pictures[entry]:
            self._added[picture].append(entry)

    def num_candidates(self, entry: int) -> int:
        """Returns at most how many `candidates` would return."""
        return sum(len(self._added.get(near, ())) for near in self._like(self._pictures[entry][0]))

    def candidates(self, entry: int) -> set[int]:
        """Returns the entries added that have a picture like the first of an entry."""
        return self._with(self._pictures[entry][0])

    def alike(self, entry: int, others: Collection[int]) -> list[int]:
        """Returns those of some entries that have a picture like each of an entry's."""
        likes = [set(self._like(picture)) for picture in self._pictures[entry]]
        return [other for other in others if all(not like.isdisjoint(self._pictures[other]) for like in likes)]

    def any_like(self, entry: int) -> set[int]:
        """Returns the entries added that have a picture like any of an entry's."""
        return {other for picture in self._pictures[entry] for other in self._with(picture)}

    def _like(self, picture: int) -> Sequence[int]:
        return [picture, *self._near.get(picture, ())]

    def _with(self, picture: int) -> set[int]:
        return {entry for near in self._like(picture) for entry in self._added.get(near, ())}


def find(sides: Sequence[Sequence[Finder]], entry: int) -> Collection[int]:
    """Returns the entries added that are like one on every side, in everything it has there; none if it has nothing to compare on one."""
    by_side = [[finder for finder in side if finder.has(entry)] for side in sides]
    if not all(by_side):
        return ()
    asked = [finder for side in by_side for finder in side]
    found: Collection[int] = min(asked, key=lambda finder: finder.num_candidates(entry)).candidates(entry)
    # Pictures are judged already; texts may have to be read.
    for finder in sorted(asked, key=lambda finder: isinstance(finder, NearTexts)):
        found = finder.alike(entry, found) if found else found
    return found


def side_finders(signatures: Signatures, side: int, likeness: Likeness, text: Callable[[int], str]) -> list[Finder]:
    """Returns finders of one side of rows, which are the entries."""
    texts = NearTexts(signatures.minhash[:, side], signatures.length[:, side] > 0, text, likeness.threshold)
    rows = np.arange(len(signatures))
    pictures = NearPictures(signatures.num_pictures[:, side], signatures.pictures[signatures.places(rows, [side])], likeness.rule)
    return [pictures, texts]


def _numbered(codes: NDArray[np.int8], known: int) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """Returns the different codes, and which of them each is; those of the known ones come first."""
    if not len(codes):
        return codes, np.zeros(0, np.int64)
    whole = np.ascontiguousarray(codes).view(np.dtype((np.void, codes.shape[1])))[:, 0]
    _, first, number = np.unique(whole, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")  # in the order in which they come, so the known ones first
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return codes[first[order]], place[number]
