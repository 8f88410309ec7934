"""A clean collection dirtied on purpose: rows with known faults, to see which of them curation finds.

    clean pairs + test pairs + translations --dirty--> rows, each with its fault --write--> table.jsonl, pictures/, truth.jsonl

    wrong_caption     a pair gets the caption of another concept
    other_language    a pair gets its caption in another language
    unreadable        the file is empty, cut off in the middle, or a web page
    duplicate         a pair is there a second time
    near_duplicate    the same with its picture smaller, saved again, brighter, cropped or mirrored
    leak              a pair of a test is added: as it is, smaller or saved again

The first three change clean rows, the others add rows. A copy lies after what it is of, so that of the two it is the one too many.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from unite.errors import ConfigError, DataError, must_be, must_be_one_of
from unite.files import whole_folder, write_lines
from unite.media.picture import open_picture

CLEAN = "clean"
CHANGED = ("wrong_caption", "other_language", "unreadable")
COPIED = ("duplicate", "near_duplicate")
#: In the order of the table above.
FAULTS = (*CHANGED, *COPIED, "leak")
_WEB_PAGE = b"<!doctype html><title>404 Not Found</title><p>The picture that you look for is not here.</p>"


@dataclass(frozen=True)
class CaptionedPicture:
    """A picture's file as bytes, its suffix without a dot, its caption and what it shows."""

    picture: bytes
    suffix: str
    caption: str
    concept: str


@dataclass(frozen=True)
class DirtyRow:
    """A row of the dirty collection.

    Attributes:
        pair: as it is written; its concept is that of the picture.
        fault: one of `FAULTS`, or `clean`.
        how: what was done, of the faults that have several kinds.
        of: which clean pair or test pair it was made of, counted from 0.
    """

    pair: CaptionedPicture
    fault: str
    how: str
    of: int


def _saved(quality: int, change: Callable[[Image.Image], Image.Image] = lambda image: image) -> Callable[[bytes], tuple[bytes, str]]:
    def save(data: bytes) -> tuple[bytes, str]:
        file = io.BytesIO()
        change(open_picture(data).convert("RGB")).save(file, "JPEG", quality=quality)
        return file.getvalue(), "jpg"

    return save


def _smaller(image: Image.Image) -> Image.Image:
    return image.resize((max(1, image.width * 3 // 5), max(1, image.height * 3 // 5)), Image.Resampling.LANCZOS)


def _without_edge(image: Image.Image) -> Image.Image:
    return image.crop((round(image.width * 0.08), 0, image.width, image.height))


#: What is done to a picture of a near duplicate, and of a leak: file -> file and its suffix.
_ALTERED: dict[str, Callable[[bytes], tuple[bytes, str]]] = {
    "smaller": _saved(90, _smaller),
    "JPEG, quality 40": _saved(40),
    "brighter by 15 %": _saved(90, lambda image: ImageEnhance.Brightness(image).enhance(1.15)),
    "without the left 8 %": _saved(90, _without_edge),
    "mirrored": _saved(90, ImageOps.mirror),
}
_LEAKED = ("as it is", "smaller", "JPEG, quality 40")
_BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "cut off": lambda data: data[: len(data) // 2],
    "web page": lambda data: _WEB_PAGE,
}


def dirty(
    pairs: Sequence[CaptionedPicture],
    tests: Sequence[CaptionedPicture],
    translations: Mapping[str, Sequence[str]],
    shares: Mapping[str, float],
    seed: int = 0,
) -> list[DirtyRow]:
    """Returns the rows of a dirty collection in a random order; the same for the same seed.

    Args:
        pairs: the clean ones, of at least two concepts.
        tests: pairs of a test.
        translations: concept -> captions in other languages.
        shares: fault -> how many rows have it, as a share of the clean pairs; one that is not named is not there.
        seed: of all that is drawn.

    Raises:
        ConfigError: if a share names no fault or is out of range, or there are too few pairs, tests or translations for the shares.
    """
    for fault, share in shares.items():
        if fault not in FAULTS:
            raise ConfigError(must_be_one_of("a fault", FAULTS, fault))
        if not 0 <= share <= 1:
            raise ConfigError(must_be(f"the share of {fault}", "from 0 to 1", share))
    rng = np.random.default_rng(seed)
    wanted = {fault: round(shares.get(fault, 0.0) * len(pairs)) for fault in FAULTS}
    chosen = _chosen(pairs, len(tests), translations, wanted, rng)
    changed = {at: fault for fault in CHANGED for at in chosen[fault]}
    place = rng.random(len(pairs))
    placed = [(place[at], _changed(pairs, at, changed.get(at, CLEAN), translations, rng)) for at in range(len(pairs))]
    for fault in COPIED:
        placed += [(rng.uniform(place[at], 1), _copied(pairs[at], at, fault, rng)) for at in chosen[fault]]
    placed += [(rng.random(), _leaked(tests[at], at, rng)) for at in chosen["leak"]]
    return [row for _, row in sorted(placed, key=lambda one: one[0])]


def write_dirty(folder: Path, rows: Sequence[DirtyRow], pairs: Sequence[CaptionedPicture]) -> None:
    """Writes a new folder, whole or not at all.

    table.jsonl and pictures/ are as `recipe=image_captions` reads them, clean.jsonl is the same of the clean pairs, and truth.jsonl tells
    of each line of the table the fault, how it was made and of which pair.

    Raises:
        DataError: if the folder is there.
    """
    if folder.exists():
        raise DataError(must_be("the folder of a dirty collection", "a new one", str(folder), "Remove it, or name another."))
    with whole_folder(folder, existing="keep") as unfinished:
        (unfinished / "pictures").mkdir()
        for name, written in (("table", [row.pair for row in rows]), ("clean", pairs)):
            lines = []
            for number, pair in enumerate(written):
                image = f"pictures/{name}_{number:05d}.{pair.suffix}"
                (unfinished / image).write_bytes(pair.picture)
                lines.append({"image": image, "caption": pair.caption})
            write_lines(unfinished / f"{name}.jsonl", lines)
        truth = ({"record": number, "fault": row.fault, "how": row.how, "of": row.of} for number, row in enumerate(rows))
        write_lines(unfinished / "truth.jsonl", truth)


def _chosen(
    pairs: Sequence[CaptionedPicture],
    num_tests: int,
    translations: Mapping[str, Sequence[str]],
    wanted: Mapping[str, int],
    rng: np.random.Generator,
) -> dict[str, list[int]]:
    """Returns fault -> the pairs, or tests, that get it: no pair gets two, and what is copied is clean."""
    left = [int(at) for at in rng.permutation(len(pairs))]
    translated = [at for at in left if translations.get(pairs[at].concept)][: wanted["other_language"]]
    taken = set(translated)
    left = [at for at in left if at not in taken]
    chosen = {"other_language": translated, "leak": [int(at) for at in rng.permutation(num_tests)[: wanted["leak"]]]}
    for fault in (fault for fault in FAULTS if fault not in chosen):
        chosen[fault], left = left[: wanted[fault]], left[wanted[fault] :]
    for fault, places in chosen.items():
        if len(places) < wanted[fault]:
            hint = "Lower its share, or bring more pairs, tests or translations."
            raise ConfigError(must_be(f"what {fault} is made of", f"at least {wanted[fault]}", len(places), hint))
    if wanted["wrong_caption"] and len({pair.concept for pair in pairs}) < 2:
        raise ConfigError(must_be("the concepts of the pairs", "at least two, so that a caption can be wrong", "one"))
    return chosen


def _changed(
    pairs: Sequence[CaptionedPicture], at: int, fault: str, translations: Mapping[str, Sequence[str]], rng: np.random.Generator
) -> DirtyRow:
    pair, picture, caption, how = pairs[at], pairs[at].picture, pairs[at].caption, ""
    if fault == "wrong_caption":
        others = [other for other in pairs if other.concept != pair.concept]
        caption = others[rng.integers(len(others))].caption
    elif fault == "other_language":
        told = translations[pair.concept]
        caption = told[int(rng.integers(len(told)))]
    elif fault == "unreadable":
        how = list(_BROKEN)[rng.integers(len(_BROKEN))]
        picture = _BROKEN[how](picture)
    return DirtyRow(CaptionedPicture(picture, pair.suffix, caption, pair.concept), fault, how, at)


def _copied(pair: CaptionedPicture, at: int, fault: str, rng: np.random.Generator) -> DirtyRow:
    if fault == "duplicate":
        return DirtyRow(pair, fault, "", at)
    how = list(_ALTERED)[rng.integers(len(_ALTERED))]
    return DirtyRow(CaptionedPicture(*_ALTERED[how](pair.picture), pair.caption, pair.concept), fault, how, at)


def _leaked(pair: CaptionedPicture, at: int, rng: np.random.Generator) -> DirtyRow:
    how = _LEAKED[rng.integers(len(_LEAKED))]
    picture, suffix = _ALTERED[how](pair.picture) if how in _ALTERED else (pair.picture, pair.suffix)
    return DirtyRow(CaptionedPicture(picture, suffix, pair.caption, pair.concept), "leak", how, at)
