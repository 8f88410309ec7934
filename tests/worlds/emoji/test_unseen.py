import numpy as np
import pytest

from tests.composed import composed
from unite.build.suites import build_suites
from unite.config.schema import EmojiUnseenConfig, WorldConfig
from unite.config.schema.media import Decoding
from unite.data.decode import decode_content
from unite.data.tasks import read_task
from unite.errors import ConfigError, DataError
from unite.worlds.emoji import EmojiWorld, atlas
from unite.worlds.emoji.unseen import EmojiUnseen

SMALL = {"num_queries": 12, "num_candidates": 48}
HANDS, TASKS = ("own", "lines", "fluent", "glyphs"), ("t2i", "i2t", "it2i")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return str(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def unseen(root):
    world = EmojiUnseen(EmojiUnseenConfig(root=root, **SMALL))
    world.prepare()
    return world


@pytest.fixture(scope="module")
def trained_on(root):
    world = EmojiWorld(WorldConfig(root=root, num_train=64, **SMALL))
    world.prepare()
    return world


def glyphs_of(task):
    return {part.partition("@")[0] for row in task.candidates for part in row.query.group.split("|") if "@" in part}


def told(rows):
    return [(row.query.text, row.query.instruction, row.query.group) for row in rows]


def pictures(rows):
    return [decode_content(row.query, Decoding()).media[0].frames for row in rows if row.query.media]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("hand", ["own", "lines", "fluent"])
def test_the_scenes_are_the_worlds_own_by_another_hand(unseen, trained_on, hand, task):
    ours, theirs = read_task(unseen.folder / hand / "test" / task), read_task(trained_on.folder / "test" / task)
    assert told(ours.queries) == told(theirs.queries)
    assert told(ours.candidates) == told(theirs.candidates)
    assert ours.relevance == theirs.relevance
    for one, other in zip(pictures([*ours.candidates, *ours.queries]), pictures([*theirs.candidates, *theirs.queries]), strict=True):
        assert one.shape == other.shape
        changed = (one != other).any(-1).mean()
        assert changed == 0 if hand == "own" else 0.02 < changed < 0.6  # the ground stays


def test_lines_are_black_and_transparent():
    colour, alpha = atlas.sprite(0, 26, "lines")
    assert (colour / np.maximum(alpha, 1 / 255)).max() <= 1.01 * 255
    solid = alpha[..., 0] > 0.9
    assert solid.any() and colour[solid].max() < 32
    assert 0.1 < (alpha > 0.5).mean() < 0.5


@pytest.mark.parametrize("task", TASKS)
def test_glyphs_are_those_that_training_never_showed(unseen, task):
    rows = read_task(unseen.folder / "glyphs" / "test" / task)
    known = {glyph.name for glyph in atlas.glyphs()[:64]}
    names = glyphs_of(rows)
    assert len(names) > 15 and not names & known
    assert len(rows.queries) == 12 and len(rows.candidates) >= 48


def test_the_suite_follows_the_world_that_is_trained_on(tmp_path):
    small = ["suite.world.num_queries=4", "suite.world.num_candidates=16"]
    (suite,) = build_suites(composed("train", "suite=emoji_unseen", f"data_root={tmp_path}", "world.seed=3", "world.num_glyphs=40", *small))
    assert list(suite.tasks) == [f"{hand}_{task}" for hand in HANDS for task in TASKS]
    assert glyphs_of(read_task(suite.data_root / suite.tasks["fluent_t2i"])) <= {glyph.name for glyph in atlas.glyphs()[:40]}


def test_nothing_is_trained_on_it_and_too_few_glyphs_are_refused(unseen):
    with pytest.raises(DataError, match="emoji_unseen holds tests alone"):
        unseen.texts()
    with pytest.raises(ConfigError, match=r"world.num_glyphs \+ world.num_rare_glyphs must be at most 72, but is 80"):
        EmojiUnseen(EmojiUnseenConfig(num_glyphs=64))
