"""The people world: training rows of a person and its caption, and tasks whose candidates say which variant they show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator

from unite.config.schema.world import PeopleWorldConfig
from unite.data.rows import Row, StoredContent
from unite.data.shards import ShardWriter
from unite.data.tasks import write_task
from unite.types import Modality, fingerprint
from unite.worlds.emoji.folder import BuiltWorld
from unite.worlds.emoji.scenes import BACKGROUNDS, NUM_CELLS
from unite.worlds.people.atlas import Person, Variant, people, variants
from unite.worlds.people.pictures import Portrait, Spot

#: Rows that stand together: different people at one place, so that the person has to be told.
FAMILY = 4
_LIGHT = ("light", "medium-light")
#: The gender that a skewed training set shows a kind of person in.
_STEREOTYPE = {"technical": "man", "caring": "woman"}


class PeopleWorld(BuiltWorld):
    """Pictures of people in variants, in a folder `people_world-<fingerprint>`:

        train/t2i, train/i2t     num_train rows each; four consecutive rows are different people at one place
        variants/                caption -> picture: each query among one picture of everybody at every test place, each in a variant. A
                                 query stands there once for each variant of its right picture; the pools hold all variants about equally
        all_variants/            caption -> pictures: all variants of the right person and place are right, among all pictures
        captions/                picture -> caption, without labels: candidates of another modality
        texts.txt                every training text once
        manifest.json            parameters and sizes; written last

    Args:
        config: the options, each documented there.
    """

    kind = "people_world"

    def __init__(self, config: PeopleWorldConfig) -> None:
        rng = np.random.default_rng([config.seed, fingerprint("places")])
        places = [Spot(cell, background) for cell in range(NUM_CELLS) for background in BACKGROUNDS]
        shuffled = [places[at] for at in rng.permutation(len(places))]
        self.test_places, self.train_places = shuffled[: config.num_places], shuffled[config.num_places :]
        here = Path(__file__).parent
        code = fingerprint(*(file.read_bytes() for file in sorted([*here.glob("*.py"), *(here / "atlas").glob("people.*")])))
        super().__init__(config, code=code)

    def _write(self, folder: Path) -> dict[str, Any]:
        texts = self._write_train(folder / "train") if self.parameters["num_train"] else []
        (folder / "texts.txt").write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
        return {"tasks": self._write_tasks(folder)}

    def _write_train(self, folder: Path) -> list[str]:
        rng = np.random.default_rng([self.parameters["seed"], fingerprint("train")])
        texts: dict[str, None] = {}
        with ShardWriter(folder / "t2i") as t2i, ShardWriter(folder / "i2t") as i2t:
            for start in range(0, self.parameters["num_train"], FAMILY):
                place = self.train_places[int(rng.integers(len(self.train_places)))]
                for number, at in enumerate(rng.permutation(len(people()))[:FAMILY], start=start):
                    portrait = Portrait(people()[at], place)
                    text, image = portrait.told(), portrait.shown(self._draw(rng, portrait.person))
                    t2i.write(Row(f"{number:06d}", text, (image,)))
                    i2t.write(Row(f"{number:06d}", image, (text,)))
                    texts[text.text] = None
        return list(texts)

    def _draw(self, rng: Generator, person: Person) -> Variant:
        """Draws the variant of a training picture: with the probability `skew` one of the favoured, else any."""
        drawn = variants()[int(rng.integers(len(variants())))]
        if rng.random() >= self.parameters["skew"]:
            return drawn
        gender = _STEREOTYPE.get(person.kind, drawn.gender)
        favoured = [variant for variant in variants() if variant.tone in _LIGHT and variant.gender == gender]
        return favoured[int(rng.integers(len(favoured)))]

    def _write_tasks(self, folder: Path) -> dict[str, int]:
        portraits = [Portrait(person, place) for place in self.test_places for person in people()]
        names = [[f"c{row:04d}-{variant.column:02d}" for variant in variants()] for row in range(len(portraits))]
        pictures = [[portrait.shown(variant) for variant in variants()] for portrait in portraits]
        told = [portrait.told() for portrait in portraits]
        self._write_images(folder, "variants", told, names, pictures, rotated=True)
        self._write_images(folder, "all_variants", told, names, pictures, rotated=False)
        write_task(
            folder / "captions",
            name="captions",
            queries=[Row(f"q{row:04d}", several[row % len(several)]) for row, several in enumerate(pictures)],
            candidates=[Row(f"c{row:04d}", text) for row, text in enumerate(told)],
            relevance={f"q{row:04d}": {f"c{row:04d}": 1} for row in range(len(told))},
            query_modality=Modality.IMAGE,
            candidate_modality=Modality.TEXT,
        )
        return {"variants": len(told) * len(variants()), "all_variants": len(told), "captions": len(told)}

    def _write_images(
        self,
        folder: Path,
        name: str,
        told: Sequence[StoredContent],
        names: Sequence[Sequence[str]],
        pictures: Sequence[Sequence[StoredContent]],
        rotated: bool,
    ) -> None:
        """Writes a task of captions and pictures; `rotated` gives each query one variant as right and a pool with one of everybody else."""
        queries, relevance, pools = [], {}, {}
        num = len(variants())
        offsets = np.random.default_rng([self.parameters["seed"], fingerprint("offsets")]).integers(num, size=len(told)).tolist()
        for row, text in enumerate(told):
            for turn in range(num if rotated else 1):
                query = f"q{row:04d}-{turn:02d}" if rotated else f"q{row:04d}"
                queries.append(Row(query, text))
                right = [names[row][(turn + offsets[row]) % num]] if rotated else names[row]
                relevance[query] = dict.fromkeys(right, 1)
                pools[query] = [several[(turn + offset) % num] for several, offset in zip(names, offsets, strict=True)]
        write_task(
            folder / name,
            name=name,
            queries=queries,
            candidates=[
                Row(candidate, picture)
                for several, shown in zip(names, pictures, strict=True)
                for candidate, picture in zip(several, shown, strict=True)
            ],
            relevance=relevance,
            pools=pools if rotated else None,
            query_modality=Modality.TEXT,
            candidate_modality=Modality.IMAGE,
            labels={
                candidate: picture.labels
                for several, shown in zip(names, pictures, strict=True)
                for candidate, picture in zip(several, shown, strict=True)
            },
        )
