"""The people world: its rows, its tasks and their labels. `atlas.py` and `pictures.py` are tested by way of it."""

from collections import Counter

import numpy as np
import pytest

from unite.config.schema import PeopleWorldConfig
from unite.data.shards import ShardReader
from unite.data.tasks import read_task
from unite.errors import ConfigError, DataError
from unite.evaluation.tasks import RetrievalTask
from unite.worlds.emoji.render import CELL
from unite.worlds.emoji.scenes import BACKGROUNDS
from unite.worlds.people import PeopleWorld
from unite.worlds.people.atlas import people, sprite, variants


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    world = PeopleWorld(PeopleWorldConfig(root=str(tmp_path_factory.mktemp("data")), num_train=512, num_places=1, skew=0.9))
    world.prepare()
    return world


def test_everybody_is_drawn_in_every_tone_and_gender():
    assert len(people()) == 32 and Counter(person.kind for person in people()) == {"technical": 8, "caring": 8, "activity": 16}
    assert len({(variant.tone, variant.gender) for variant in variants()}) == 15
    drawn = {tuple(sprite(people()[0], variant).ravel()) for variant in variants()}
    assert len(drawn) == 15 and all(sprite(person, variants()[0])[..., 3].any() for person in people())
    tones = [sprite(people()[-5], variant)[..., :3].mean() for variant in variants()[:5]]
    assert tones == sorted(tones, reverse=True)  # from light to dark


def test_a_picture_shows_one_person_where_the_caption_says(made):
    row = next(iter(ShardReader.of_folder(made.folder / "train" / "t2i")))
    task = RetrievalTask.of_folder(made.folder / "variants")
    place = made.test_places[0]
    pixels = np.asarray(task.candidates[0].decode().media[0].frames[0])
    ground = (pixels != np.array(BACKGROUNDS[place.background])).any(axis=-1)
    top, left = place.cell // 3 * CELL, place.cell % 3 * CELL
    assert ground[top : top + CELL, left : left + CELL].sum() == ground.sum() > 100
    assert task.queries[0].stored.text.startswith("a scientist ") and f"{place.background} background" in task.queries[0].stored.text
    assert row.query.group == row.positives[0].group and row.positives[0].labels["unit"] in row.query.text


def test_no_caption_tells_a_group(made):
    words = {word for text in made.texts() for word in text.replace(",", "").split()}
    assert not words & {"man", "woman", "person", "light", "dark", "medium", "medium-light", "medium-dark"}


def test_a_query_stands_among_one_picture_of_everybody_and_each_variant_is_right_once(made):
    task = read_task(made.folder / "variants")
    unit = {name: labels["unit"] for name, labels in task.labels.items()}
    assert len(task.relevance) == len(task.labels) == 32 * 15 and len({next(iter(right)) for right in task.relevance.values()}) == 480
    for query, pool in task.pools.items():
        assert len(pool) == 32 == len({unit[name] for name in pool}) and next(iter(task.relevance[query])) in pool
    shown = Counter(name for pool in task.pools.values() for name in pool)
    assert set(shown.values()) == {32}  # overall each picture as often


def test_all_variants_are_right_where_none_is_asked_for(made):
    task = read_task(made.folder / "all_variants")
    for right in task.relevance.values():
        assert len(right) == 15 and len({task.labels[name]["unit"] for name in right}) == 1
    assert task.pools is None and read_task(made.folder / "captions").labels is None


def test_training_never_shows_a_test_place_and_is_as_skewed_as_asked(made):
    rows = list(ShardReader.of_folder(made.folder / "train" / "t2i"))
    assert len(rows) == 512 and not {row.query.text for row in rows} & {
        row.query.text for row in read_task(made.folder / "captions").candidates
    }
    labels = [row.positives[0].labels for row in rows]
    light = np.mean([one["skin tone"] in ("light", "medium-light") for one in labels])
    men = np.mean([one["gender"] == "man" for one in labels if one["kind"] == "technical"])
    assert light == pytest.approx(0.9 + 0.1 * 2 / 5, abs=0.04) and men == pytest.approx(0.9 + 0.1 / 3, abs=0.06)


def test_without_skew_all_variants_are_as_frequent(tmp_path):
    world = PeopleWorld(PeopleWorldConfig(root=str(tmp_path), num_train=600, num_places=1))
    world.prepare()
    counts = Counter(
        tuple(row.query.labels[name] for name in ("skin tone", "gender")) for row in ShardReader.of_folder(world.folder / "train" / "i2t")
    )
    assert len(counts) == 15 and max(counts.values()) < 70  # 40 expected


def test_what_is_not_built_has_no_texts(tmp_path):
    with pytest.raises(DataError, match="the people world must be built before it is read"):
        next(PeopleWorld(PeopleWorldConfig(root=str(tmp_path))).texts())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_train": 6}, "people.num_train must be 0 or a multiple of 4"),
        ({"num_places": 0}, "people.num_places must be from 1 to 27"),
        ({"skew": 1.5}, "people.skew must be from 0 to 1, but is 1.5"),
        ({"seed": -1}, "people.seed must be 0 or above"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        PeopleWorldConfig(**options)
