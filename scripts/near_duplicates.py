"""The rates of the study of near duplicates.

    python scripts/near_duplicates.py pictures FOLDER...    copies of each picture that are found
    python scripts/near_duplicates.py pairs FOLDER...       pairs of different pictures that are called one
    python scripts/near_duplicates.py texts FOLDER...       edited copies of sentences that are found, and pairs wrongly so
    python scripts/near_duplicates.py size ROWS FOLDER...   time and memory

Each keeps its figures in experiments/near_duplicates/results.json and its table in the README beside it, between its marks. pHash and PDQ
are measured too where imagehash and pdqhash can be imported.
"""

from __future__ import annotations

import io
import json
import re
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter, ImageOps
from scipy.sparse import csr_matrix

from unite.curation.near_matches import Likeness, NearPictures, find
from unite.curation.near_pictures import alike_pictures
from unite.curation.near_texts import NearTexts
from unite.curation.picture_codes import picture_code
from unite.curation.signatures import hashed_shingles, minhash, normalise
from unite.media.picture import open_picture, thumbnail
from unite.media.shown import as_shown

STUDY = Path(__file__).parent.parent / "experiments" / "near_duplicates"
LIKENESS = Likeness(threshold=0.8, picture_threshold=0.92, max_crop=0.1, mirrored=True)
SIDE = 640
Matcher = Callable[[list[Image.Image], list[Image.Image]], NDArray[np.bool_]]


def cut(image: Image.Image, left: float = 0, top: float = 0, right: float = 0, bottom: float = 0) -> Image.Image:
    width, height = image.size
    return image.crop((round(left * width), round(top * height), round((1 - right) * width), round((1 - bottom) * height)))


def saved(image: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "resized to 40 %": lambda image: image.resize((max(1, image.width * 2 // 5), max(1, image.height * 2 // 5))),
    "JPEG, quality 30": lambda image: saved(image, 30),
    "JPEG, quality 10": lambda image: saved(image, 10),
    "blurred, radius 2": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
    "grey": lambda image: image.convert("L").convert("RGB"),
    "brighter by 15 %": lambda image: ImageEnhance.Brightness(image).enhance(1.15),
    "more contrast, 20 %": lambda image: ImageEnhance.Contrast(image).enhance(1.2),
    "without the left 10 %": lambda image: cut(image, left=0.1),
    "without the right 10 %": lambda image: cut(image, right=0.1),
    "without the top 10 %": lambda image: cut(image, top=0.1),
    "without the bottom 10 %": lambda image: cut(image, bottom=0.1),
    "centre, 5 % off each edge": lambda image: cut(image, 0.05, 0.05, 0.05, 0.05),
    "centre, 10 % off each edge": lambda image: cut(image, 0.1, 0.1, 0.1, 0.1),
    "corner, 10 % off two edges": lambda image: cut(image, left=0.1, top=0.1),
    "7, 2 and 4 % off three edges": lambda image: cut(image, 0.07, 0.02, 0, 0.04),
    "mirrored": ImageOps.mirror,
    "mirrored, without 10 %": lambda image: cut(ImageOps.mirror(image), left=0.1),
    "cropped, resized, JPEG 40": lambda image: saved(cut(image, top=0.1).resize((300, 200)), 40),
}


def read_pictures(folders: Iterable[str]) -> list[Image.Image]:
    images = []
    for path in sorted(path for folder in folders for path in Path(folder).rglob("*.*")):
        if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp") and path.is_file():
            image = as_shown(open_picture(path.read_bytes()))
            image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
            images.append(image)
    return images


def codes_of(images: list[Image.Image]) -> NDArray[np.int8]:
    return np.stack([picture_code(thumbnail(image)) for image in images])


def matchers() -> dict[str, Matcher]:
    """What says of all pairs (A, B) of two lists whether they are one."""

    def ours(ones: list[Image.Image], others: list[Image.Image]) -> NDArray[np.bool_]:
        codes = np.concatenate([codes_of(ones), codes_of(others)])
        different, number = np.unique(codes, axis=0, return_inverse=True)
        alike = np.eye(len(different), dtype=bool)
        one, other = alike_pictures(different, LIKENESS.rule)
        alike[one, other] = alike[other, one] = True
        return np.asarray(alike[np.ix_(number.ravel()[: len(ones)], number.ravel()[len(ones) :])])

    def by_bits(hashed: Callable[[Image.Image], NDArray[np.bool_]], distance: int) -> Matcher:
        def match(ones: list[Image.Image], others: list[Image.Image]) -> NDArray[np.bool_]:
            first, second = (np.stack([hashed(image).ravel() for image in images]).astype(np.float32) for images in (ones, others))
            return np.asarray(first @ (1 - second).T + (1 - first) @ second.T <= distance)

        return match

    found: dict[str, Matcher] = {"unite": ours}
    try:
        import imagehash

        found["pHash, 4 of 64 bits"] = by_bits(lambda image: imagehash.phash(image).hash, 4)
        found["pHash, 10 of 64 bits"] = by_bits(lambda image: imagehash.phash(image).hash, 10)
    except ImportError:
        pass
    try:
        import pdqhash

        found["PDQ, 31 of 256 bits"] = by_bits(lambda image: pdqhash.compute(np.asarray(image))[0] > 0, 31)
    except ImportError:
        pass
    return found


def pictures(folders: list[str]) -> None:
    images = [image for image in read_pictures(folders) if max(np.asarray(thumbnail(image), float).std((0, 1))) > 4]
    table: dict[str, dict[str, float]] = {}
    for name, match in matchers().items():
        for copy, make in COPIES.items():
            made = list(map(make, images))
            table.setdefault(copy, {})[name] = 100 * float(match(images, made).diagonal().mean())
    name = Path(folders[0]).name
    keep(f"pictures {name}", {"pictures": len(images), "found, percent": table}, markdown(f"{len(images)} {name}, percent found", table))


def pairs(folders: list[str]) -> None:
    table: dict[str, dict[str, float]] = {}
    for folder in folders:
        images = read_pictures([folder])
        row = f"{len(images):,} {Path(folder).name}, {len(images) * (len(images) - 1) // 2:,} pairs"
        table[row] = {name: int(np.triu(match(images, images), 1).sum()) for name, match in matchers().items()}
    keep("pairs", table, markdown("called one", table))


def read_texts(folders: Iterable[str]) -> list[str]:
    whole = "\n".join(path.read_text("utf-8", "ignore") for folder in folders for path in sorted(Path(folder).rglob("*.txt")))
    sentences = (normalise(sentence) for sentence in re.split(r"(?<=[.!?])\s+|\n\s*\n", whole))
    return list(dict.fromkeys(sentence for sentence in sentences if 60 <= len(sentence) <= 400))


def edited(sentences: list[str], copies: int) -> list[str]:
    """Each sentence, and copies of it in which up to six words are left out or others."""
    rng, texts = np.random.default_rng(0), []
    words = [word for sentence in sentences for word in sentence.split()]
    for sentence in sentences:
        texts.append(sentence)
        for _ in range(copies):
            parts = sentence.split()
            for at in rng.integers(0, len(parts), rng.integers(1, 7)):
                parts[at] = "" if rng.random() < 0.5 else words[rng.integers(len(words))]
            texts.append(" ".join(filter(None, parts)))
    return texts


def texts(folders: list[str]) -> None:
    whole = edited(read_texts(folders)[:4000], 4)
    sketches, shingles = np.stack(list(map(minhash, whole))), list(map(hashed_shingles, whole))
    known, true = all_similarities(shingles)
    table: dict[str, dict[str, float]] = {}
    for threshold in (0.75, 0.8, 0.82, 0.9):
        ours = NearTexts(sketches, np.ones(len(whole), bool), whole.__getitem__, threshold)
        ranges = (("found", threshold, threshold + 0.02), ("found", threshold, 1.01), ("wrongly", threshold - 0.05, threshold))
        for name, found in (("unite", by_index(ours, len(whole))), ("the sketch alone", by_sketch(sketches, threshold))):
            is_found = np.isin(known, found)
            for title, low, high in ranges:
                within = (true >= low) & (true < high)
                row = f"threshold {threshold}: {title}, of {within.sum():,} pairs from {low:.2f} to {min(high, 1):.2f}"
                table.setdefault(row, {})[name] = 100 * float(is_found[within].mean())
    keep("texts", {"texts": len(whole), "found, percent": table}, markdown(f"{len(whole):,} sentences, percent", table))


def all_similarities(shingles: list[NDArray[np.uint32]]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Returns all pairs that share a shingle, as i * N + j with i < j, and their Jaccard similarity."""
    lengths = np.array(list(map(len, shingles)))
    different, number = np.unique(np.concatenate(shingles), return_inverse=True)
    ends = np.concatenate([[0], np.cumsum(lengths)])
    holds = csr_matrix((np.ones(ends[-1], np.float32), number.ravel(), ends), (len(shingles), len(different)))
    pairs, true = [], []
    for start in range(0, len(shingles), 500):
        shared = (holds[start : start + 500] @ holds.T).tocoo()
        one, other, both = shared.row + start, shared.col, shared.data
        similarity = both / (lengths[one] + lengths[other] - both)
        keep_these = (one < other) & (similarity > 0.5)
        pairs.append(one[keep_these].astype(np.int64) * len(shingles) + other[keep_these])
        true.append(similarity[keep_these])
    return np.concatenate(pairs), np.concatenate(true)


def by_index(index: NearTexts, num: int) -> NDArray[np.int64]:
    found = []
    for entry in range(num):
        found += [other * num + entry for other in index.alike(entry, index.candidates(entry))]
        index.add(entry)
    return np.array(found, np.int64)


def by_sketch(sketches: NDArray[np.uint32], threshold: float) -> NDArray[np.int64]:
    """As it was: candidates by datasketch's LSH, decided by the share of equal values."""
    from datasketch import MinHashLSH

    class Sketch:
        def __init__(self, values: NDArray[np.uint32]) -> None:
            self.hashvalues = values

        def __len__(self) -> int:
            return len(self.hashvalues)

    index = MinHashLSH(threshold=threshold, num_perm=sketches.shape[1], weights=(0.1, 0.9))
    found: list[int] = []
    for entry, values in enumerate(sketches):
        alike = (other for other in index.query(Sketch(values)) if (sketches[other] == values).mean() >= threshold)
        found.extend(other * len(sketches) + entry for other in alike)
        index.insert(entry, Sketch(values), check_duplication=False)
    return np.array(found, np.int64)


def size(num: int, folders: list[str]) -> None:
    """Times texts and pictures of so many rows: sentences with the beginning of another, four pictures turned, shifted and mixed."""
    rng = np.random.default_rng(0)
    sentences = read_texts(folders)
    whole = [" ".join([*sentences[at % len(sentences)].split(), *sentences[rng.integers(len(sentences))].split()[:6]]) for at in range(num)]
    table: dict[str, dict[str, float]] = {}
    seconds = time.process_time()
    sketches = np.stack(list(map(minhash, whole)))
    table["sketches of texts"] = {"processor seconds": time.process_time() - seconds}
    table["comparing texts"] = timed(partial(NearTexts, sketches, np.ones(num, bool), whole.__getitem__, LIKENESS.threshold), num)
    thumbnails = [np.asarray(thumbnail(image), np.float32) for image in read_pictures(folders)]
    shown = []
    for _ in range(num):
        four = (np.rot90(thumbnails[rng.integers(len(thumbnails))], rng.integers(4)) for _ in range(4))
        mixed = sum(np.roll(one, rng.integers(0, 32, 2), (0, 1)) * weight for one, weight in zip(four, rng.dirichlet([2] * 4), strict=True))
        shown.append(Image.fromarray(np.asarray(mixed).clip(0, 255).astype(np.uint8)))
    seconds = time.process_time()
    codes = np.stack(list(map(picture_code, shown)))
    table["codes of pictures"] = {"processor seconds": time.process_time() - seconds}
    table["comparing pictures"] = timed(partial(NearPictures, np.ones(num, np.uint8), codes, LIKENESS.rule), num)
    for row in table.values():
        row["peak memory of the process, GB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    keep(f"size {num}", table, markdown(f"{num:,} rows", table))


def timed(make: Callable[[], Any], num: int) -> dict[str, float]:
    start = time.process_time()
    index, dropped = make(), 0
    for entry in range(num):
        if find([[index]], entry):
            dropped += 1
        else:
            index.add(entry)
    return {"processor seconds": time.process_time() - start, "rows left out": dropped}


def markdown(title: str, table: dict[str, dict[str, float]]) -> str:
    columns = list(dict.fromkeys(column for row in table.values() for column in row))
    lines = [f"| {title} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    return "\n".join([*lines, *(f"| {name} | {' | '.join(_cells(row, columns))} |" for name, row in table.items())])


def _cells(row: dict[str, float], columns: list[str]) -> Iterator[str]:
    for column in columns:
        value = row.get(column)
        yield "" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.1f}"


def keep(name: str, figures: dict[str, Any], table: str) -> None:
    results, readme = STUDY / "results.json", STUDY / "README.md"
    known = json.loads(results.read_text()) if results.exists() else {}
    results.write_text(json.dumps({**known, name: figures}, indent=1) + "\n")
    begin, end = f"<!-- {name} -->", "<!-- end -->"
    text = readme.read_text() if readme.exists() else ""
    if begin not in text:
        text += f"\n{begin}\n{end}\n"
    start = text.index(begin)
    readme.write_text(text[:start] + f"{begin}\n{table}\n" + text[text.index(end, start) :])
    print(table)


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command == "size":
        size(int(arguments[0]), arguments[1:])
    else:
        {"pictures": pictures, "pairs": pairs, "texts": texts}[command](arguments)
