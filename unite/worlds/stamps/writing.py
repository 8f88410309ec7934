"""Writes curated drawings as training rows and tasks, split by concept.

train/<pairs>/t2i, i2t      rows; <pairs> is a collection, `<collection>_languages`, `<collection>_keywords`
train/animation/t2v, v2t    animation and name
train/style/i2i             two collections' pictures of one concept
test/...                    the same of held-out concepts, as tasks
texts.txt                   every training text once
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unite.data.rows import Row, StoredContent
from unite.data.shards import ShardWriter
from unite.data.tasks import write_task
from unite.files import write_text
from unite.types import Modality, fingerprint
from unite.worlds.stamps.concepts import is_held_out
from unite.worlds.stamps.items import Item

#: Collections whose translations are written: OpenMoji's names are those of `emoji`.
_TRANSLATED = ("tuxpaint", "emoji")
_WITH_KEYWORDS = ("emoji", "clipart")
#: Fewer keywords tell a kind, and not which.
_LEAST_KEYWORDS = 2


@dataclass(frozen=True)
class Pair:
    """An item and a text of it."""

    item: Item
    text: str

    @property
    def told(self) -> StoredContent:
        """The text as a content."""
        return self.item.told(self.text)


@dataclass(frozen=True)
class Split:
    """How concepts and translations are drawn: the seed, the share of concepts held out, translations a training picture."""

    seed: int
    test_share: float
    num_translations: int

    def tests(self, item: Item) -> bool:
        """Whether an item is of a concept that is held out."""
        return is_held_out(item.concept, self.seed, self.test_share)

    def draw(self, item: Item) -> list[str]:
        """Returns the translations that training shows of an item: some languages, drawn for its concept."""
        languages = sorted(item.translations)
        rng = np.random.default_rng([self.seed, fingerprint("languages", item.concept)])
        return [item.translations[languages[at]] for at in rng.permutation(len(languages))[: self.num_translations]]


def write_set(folder: Path, collections: Mapping[str, Sequence[Item]], split: Split) -> dict[str, Any]:
    """Writes rows, tasks and texts.

    Args:
        folder: an empty one.
        collections: name -> its items; `animation` holds clips, the others pictures.
        split: how they are drawn.

    Returns:
        What there is of each: `sources` and `tasks`, folder -> rows or queries; `concepts`, collection -> how many are trained and tested.
    """
    train = {name: [item for item in items if not split.tests(item)] for name, items in collections.items()}
    test = {name: [item for item in items if split.tests(item)] for name, items in collections.items()}
    sources: dict[str, int] = {}
    tasks: dict[str, int] = {}
    texts: dict[str, None] = {}
    for name, pairs in _pairs(train, split):
        for direction, rows in _directions(name, pairs).items():
            sources[f"train/{name}/{direction}"] = _write_rows(folder / "train" / name / direction, rows)
        texts.update(dict.fromkeys(pair.text for pair in pairs))
    if styled := _styled(train):
        sources["train/style/i2i"] = _write_rows(folder / "train" / "style" / "i2i", _style_rows(styled))
    for name, pairs in _pairs(test, None):
        tasks |= {f"test/{name}/{direction}": num for direction, num in _write_tasks(folder / "test" / name, name, pairs).items()}
    if styled := _styled(test):
        tasks["test/style/i2i"] = _write_styles(folder / "test" / "style" / "i2i", styled)
    write_text(folder / "texts.txt", "".join(f"{' '.join(text.split())}\n" for text in texts))
    names = sorted(collections)
    concepts = {name: {side: len({item.concept for item in of[name]}) for side, of in (("train", train), ("test", test))} for name in names}
    concepts["all"] = {side: len({item.concept for name in names for item in of[name]}) for side, of in (("train", train), ("test", test))}
    return {"sources": sources, "tasks": tasks, "concepts": concepts}


def _pairs(collections: Mapping[str, Sequence[Item]], split: Split | None) -> Iterator[tuple[str, list[Pair]]]:
    """Yields the name and the pairs of each kind that there is; all translations where no split says which are drawn."""
    for name, items in collections.items():
        kinds = {name: [Pair(item, item.caption) for item in items]}
        if name in _TRANSLATED:
            told = ((item, split.draw(item) if split else item.translations.values()) for item in items)
            kinds[f"{name}_languages"] = [Pair(item, text) for item, texts in told for text in texts]
        if name in _WITH_KEYWORDS:
            kinds[f"{name}_keywords"] = [Pair(item, item.keywords) for item in items if item.keywords.count(",") >= _LEAST_KEYWORDS - 1]
        yield from ((kind, pairs) for kind, pairs in kinds.items() if pairs)


def _directions(name: str, pairs: Sequence[Pair]) -> dict[str, Iterator[Row]]:
    medium = "v" if name == "animation" else "i"
    return {
        f"t2{medium}": (Row(f"{number:06d}", pair.told, (pair.item.shown(),)) for number, pair in enumerate(pairs)),
        f"{medium}2t": (Row(f"{number:06d}", pair.item.shown(), (pair.told,)) for number, pair in enumerate(pairs)),
    }


def _write_rows(folder: Path, rows: Iterable[Row]) -> int:
    num_rows = 0
    with ShardWriter(folder) as writer:
        for row in rows:
            writer.write(row)
            num_rows += 1
    return num_rows


def _write_tasks(folder: Path, name: str, pairs: Sequence[Pair]) -> dict[str, int]:
    """Writes text -> medium and back. Right is whatever is of the concept, or of one of those that a text is of."""
    medium, letter = (Modality.VIDEO, "v") if name == "animation" else (Modality.IMAGE, "i")
    items = list({id(pair.item): pair.item for pair in pairs}.values())
    concepts_of_text: dict[str, dict[str, None]] = defaultdict(dict)
    texts_of_concept: dict[str, dict[str, None]] = defaultdict(dict)
    for pair in pairs:
        concepts_of_text[pair.text][pair.item.concept] = None
        texts_of_concept[pair.item.concept][pair.text] = None
    text_ids = {text: f"t{number:05d}" for number, text in enumerate(concepts_of_text)}
    items_of_concept: dict[str, list[str]] = defaultdict(list)
    for number, item in enumerate(items):
        items_of_concept[item.concept].append(f"m{number:05d}")
    told = [Row(text_ids[text], _text_of(text, concepts)) for text, concepts in concepts_of_text.items()]
    shown = {f"m{number:05d}": item for number, item in enumerate(items)}
    to_medium = {
        text_ids[text]: {found: 1 for concept in concepts for found in items_of_concept[concept]}
        for text, concepts in concepts_of_text.items()
    }
    to_text = {key: {text_ids[text]: 1 for text in texts_of_concept[item.concept]} for key, item in shown.items()}
    _write(folder / f"t2{letter}", f"{name}_t2{letter}", told, _rows(shown), to_medium, (Modality.TEXT, medium))
    _write(folder / f"{letter}2t", f"{name}_{letter}2t", _rows(shown), told, to_text, (medium, Modality.TEXT))
    return {f"t2{letter}": len(told), f"{letter}2t": len(shown)}


def _text_of(text: str, concepts: Iterable[str]) -> StoredContent:
    names = list(concepts)
    return StoredContent(text, group=f"stamps/{names[0]}" if len(names) == 1 else "")


def _rows(shown: Mapping[str, Item]) -> Iterator[Row]:
    return (Row(key, item.shown()) for key, item in shown.items())


def _write(
    folder: Path,
    name: str,
    queries: Iterable[Row],
    candidates: Iterable[Row],
    relevance: Mapping[str, Mapping[str, int]],
    modalities: tuple[Modality, Modality],
) -> None:
    query, candidate = modalities
    write_task(
        folder,
        name=name,
        queries=queries,
        candidates=candidates,
        relevance=relevance,
        query_modality=query,
        candidate_modality=candidate,
    )


def _styled(collections: Mapping[str, Sequence[Item]]) -> list[list[Item]]:
    """Returns, of each concept that several collections show, a picture of each."""
    firsts: dict[str, dict[str, Item]] = defaultdict(dict)
    for name, items in collections.items():
        if name != "animation":
            for item in items:
                firsts[item.concept].setdefault(name, item)
    return [list(found.values()) for found in firsts.values() if len(found) > 1]


def _style_rows(styled: Iterable[Sequence[Item]]) -> Iterator[Row]:
    """Yields each picture with the next style of its concept, the last with the first; of two, both ways."""
    number = 0
    for several in styled:
        for item, other in zip(several, [*several[1:], several[0]], strict=True):
            yield Row(f"{number:06d}", item.shown(), (other.shown(),))
            number += 1


def _write_styles(folder: Path, styled: Sequence[Sequence[Item]]) -> int:
    """Writes the first picture of each concept as a query, the others as its candidates."""
    queries = {f"q{number:05d}": several[0] for number, several in enumerate(styled)}
    candidates = {f"m{number:05d}-{style}": item for number, several in enumerate(styled) for style, item in enumerate(several[1:])}
    relevance = {
        f"q{number:05d}": {f"m{number:05d}-{style}": 1 for style in range(len(several) - 1)} for number, several in enumerate(styled)
    }
    _write(folder, "style_i2i", _rows(queries), _rows(candidates), relevance, (Modality.IMAGE, Modality.IMAGE))
    return len(queries)
