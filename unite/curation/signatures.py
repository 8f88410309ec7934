"""Signatures: all that set-wise steps need of a row, in a few hundred bytes, so that millions fit in memory.

A text's MinHash takes most of the time of a row of texts. So a step says which columns it looks at, and only those are made; one that was
not asked for has no width, so that reading it by mistake is an error.

Shapes: N rows; 2 sides, the query and the first positive; H permutations; T pictures of all rows, at most 3 a side.

The MinHash is datasketch's (affine hashes in 32 bits) over runs of 5 characters, which serves scripts without spaces too; for pictures see
`unite.curation.picture_codes`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, fields
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from unite.curation.loaded import Looks
from unite.curation.picture_codes import CODE_SIZE, picture_code
from unite.data.rows import Row, StoredContent
from unite.types import Modality, fingerprint, plain_text

#: The columns that are made only where a step looks at them. Modality and group are always there.
COLUMNS = frozenset({"exact", "instruction", "text", "length", "minhash", "pictures", "pixels", "sharpness"})
NUM_PERMUTATIONS = 64
#: Pictures of one side that are looked at: its first images, or the first, middle and last frame of a video.
NUM_PICTURES = 3
_SHINGLE = 5
#: Characters of a text that its MinHash is of: a book would take gigabytes of shingles, and its beginning tells it from others.
_SKETCHED = 1 << 17
#: Of the polynomial that hashes a run of characters: 64 bits by chance, odd.
_BASE = np.uint64(0x9E3779B97F4A7C15)
_Picture = TypeVar("_Picture")


@dataclass(frozen=True)
class Signatures:
    """The signatures of N rows, column by column.

    Attributes:
        modality: (N, 2) uint8, `Modality.value`.
        exact: (N, 2) int64, of the query, and of the positives together; equal contents are equal, whatever their instructions.
        instruction: (N, 2) int64, of the query's, and of the positives' together; 0 is none.
        group: (N, 2) int64, of `Content.group`; 0 is none.
        text: (N, 2) int64, of the normalised text; 0 without one.
        length: (N, 2) int32, characters of the normalised text.
        minhash: (N, 2, H) uint32.
        num_pictures: (N, 2) uint8; made with `pictures`.
        pictures: (T, CODE_SIZE) int8, of the rows one after the other, and of a row's query first.
        pixels: (N, 2) int64, of the original pictures together.
        sharpness: (N, 2) float32, see `unite.media.picture.sharpness`; 0 without pictures.
    """

    modality: NDArray[np.uint8]
    exact: NDArray[np.int64]
    instruction: NDArray[np.int64]
    group: NDArray[np.int64]
    text: NDArray[np.int64]
    length: NDArray[np.int32]
    minhash: NDArray[np.uint32]
    num_pictures: NDArray[np.uint8]
    pictures: NDArray[np.int8]
    pixels: NDArray[np.int64]
    sharpness: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.modality)

    def take(self, rows: NDArray[np.int64]) -> Signatures:
        """Returns the signatures of some rows."""
        columns = {column.name: getattr(self, column.name)[rows] for column in fields(self) if column.name != "pictures"}
        return Signatures(**columns, pictures=self.pictures[self.places(rows)] if len(self.pictures) else self.pictures)

    def places(self, rows: NDArray[np.int64], sides: Sequence[int] = (0, 1)) -> NDArray[np.int64]:
        """Returns which of the pictures are of some rows, of the one side or of both, in their order."""
        counts = self.num_pictures.astype(np.int64)
        first = (np.cumsum(counts) - counts.ravel()).reshape(-1, 2)[rows][:, sides].ravel()
        num = counts[rows][:, sides].ravel()
        return np.repeat(first - (np.cumsum(num) - num), num) + np.arange(num.sum())

    def save(self, path: Path) -> None:
        """Writes them as .npz."""
        with path.open("wb") as file:
            np.savez(file, **{column.name: getattr(self, column.name) for column in fields(self)})

    @classmethod
    def load(cls, path: Path) -> Signatures:
        """Reads them back."""
        with np.load(path, allow_pickle=False) as arrays:
            return cls(**{column.name: arrays[column.name] for column in fields(cls)})

    @classmethod
    def concatenate(cls, parts: Iterable[Signatures]) -> Signatures:
        """Joins the signatures of several parts, in their order."""
        parts = list(parts) or [cls.of([])]
        return cls(**{column.name: np.concatenate([getattr(part, column.name) for part in parts]) for column in fields(cls)})

    @classmethod
    def of(cls, rows: Sequence[tuple[SideSignature, SideSignature]], columns: Set[str] = COLUMNS) -> Signatures:
        """Joins the signatures of rows, each (query, positive), with these columns."""
        sides = [side for row in rows for side in row]

        def column(name: str, values: Sequence[Any], dtype: type[np.generic], *shape: int) -> NDArray[Any]:
            if name not in columns:
                return np.zeros((len(rows), 0), dtype)
            return np.array(values, dtype).reshape(len(rows), 2, *shape)

        codes = [code for side in sides for code in side.pictures] if "pictures" in columns else []
        return cls(
            np.array([side.modality.value for side in sides], np.uint8).reshape(-1, 2),
            column("exact", [side.exact for side in sides], np.int64),
            column("instruction", [side.instruction for side in sides], np.int64),
            np.array([side.group for side in sides], np.int64).reshape(-1, 2),
            column("text", [side.text for side in sides], np.int64),
            column("length", [side.length for side in sides], np.int32),
            column("minhash", [side.minhash for side in sides], np.uint32, NUM_PERMUTATIONS),
            column("pictures", [len(side.pictures) for side in sides], np.uint8),
            np.array(codes, np.int8).reshape(-1, CODE_SIZE),
            column("pixels", [side.pixels for side in sides], np.int64),
            column("sharpness", [side.sharpness for side in sides], np.float32),
        )


@dataclass(frozen=True, slots=True)
class SideSignature:
    """The signature of one side of a row; the fields as in `Signatures`. Columns that were not asked for are empty."""

    modality: Modality
    group: int = 0
    exact: int = 0
    instruction: int = 0
    text: int = 0
    length: int = 0
    minhash: NDArray[np.uint32] | None = None
    pictures: tuple[NDArray[np.int8], ...] = ()
    pixels: int = 0
    sharpness: float = 0.0


def sign_row(row: Row, looks: Sequence[Looks], columns: Set[str] = COLUMNS) -> tuple[SideSignature, SideSignature]:
    """Returns the signatures of a row's query and positive.

    Args:
        row: with its media ready.
        looks: of the query and of the first positive.
        columns: of `COLUMNS`, those that are wanted.
    """
    return sign_side([row.query], looks[0], columns), sign_side(row.positives, looks[1], columns)


def sign_side(contents: Sequence[StoredContent], looks: Looks, columns: Set[str] = COLUMNS) -> SideSignature:
    """Returns the signature of one side; text and pictures are the first content's."""
    modality, group = contents[0].modality, group_number(contents[0].group)
    if not columns:
        return SideSignature(modality, group)
    text = normalise(contents[0].text)
    instructions = [normalise(content.instruction) for content in contents] if "instruction" in columns else []
    return SideSignature(
        modality,
        group,
        fingerprint(*(part for content in contents for part in parts_of(content))) if "exact" in columns else 0,
        fingerprint(*instructions) if any(instructions) else 0,
        fingerprint(text) if text and "text" in columns else 0,
        len(text),
        minhash(text) if "minhash" in columns else None,
        tuple(map(picture_code, spread(looks.thumbnails))) if looks.thumbnails and "pictures" in columns else (),
        looks.pixels,
        looks.sharpness,
    )


def parts_of(content: StoredContent) -> tuple[str | bytes, ...]:
    """Returns that by which contents are equal or not, instructions apart: the normalised text, and the bytes of the media."""
    return normalise(content.text), *(medium.data for medium in content.media)


def group_number(group: str) -> int:
    """Returns what stands for a group; 0 for none."""
    return fingerprint("group", group) if group else 0


def spread(pictures: Sequence[_Picture]) -> Sequence[_Picture]:
    """Returns at most `NUM_PICTURES` of them, the first, the last and those between evenly."""
    picked = np.linspace(0, len(pictures) - 1, min(len(pictures), NUM_PICTURES)).round().astype(int)
    return [pictures[number] for number in picked]


@lru_cache(maxsize=4)  # several steps ask for the texts of one row
def normalise(text: str) -> str:
    """Returns a text as duplicates are compared: NFKC, no case, single spaces, without the places of media."""
    return " ".join(unicodedata.normalize("NFKC", plain_text(text)).casefold().split())


def minhash(text: str) -> NDArray[np.uint32]:
    """Returns (H,) MinHash values of a normalised text's `sketched` part; the largest number throughout for none."""
    from datasketch import MinHash  # and scipy with it, which takes half a second: here and below, for whoever only names a step

    sketch = MinHash(num_perm=NUM_PERMUTATIONS, permutations=_permutations(), scheme="affine32", hashfunc=int)
    sketch.update_batch(hashed_shingles(sketched(text)).tolist())
    values: NDArray[np.uint32] = sketch.hashvalues.astype(np.uint32)
    return values


def hashed_shingles(text: str) -> NDArray[np.uint32]:
    """Returns the hashes of a text's different runs of 5 characters, of all at once; of a shorter text its own, of none none.

    A polynomial in 64 bits, of which the upper half is as good as chance; datasketch mixes it once more.
    """
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32).astype(np.uint64)
    size = min(_SHINGLE, len(codes))
    hashes = np.zeros(len(codes) - size + 1 if size else 0, np.uint64)
    for at in range(size):
        hashes = (hashes + codes[at : at + len(hashes)]) * _BASE
    return np.unique((hashes >> np.uint64(32)).astype(np.uint32))


def sketched(text: str) -> str:
    """Returns the part of a text by which it is compared: its first 131072 characters."""
    return text[:_SKETCHED]


@cache
def _permutations() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    from datasketch import MinHash

    permutations: tuple[NDArray[np.uint64], NDArray[np.uint64]] = MinHash(num_perm=NUM_PERMUTATIONS, scheme="affine32").permutations
    return permutations
