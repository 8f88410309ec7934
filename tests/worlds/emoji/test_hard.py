import itertools

import pytest

from tests.composed import composed
from unite.build.suites import build_suites
from unite.config.schema import EmojiHardConfig
from unite.config.schema.media import Decoding
from unite.data.decode import decode_content
from unite.data.tasks import read_task
from unite.errors import ConfigError, DataError
from unite.worlds.emoji import atlas
from unite.worlds.emoji.hard import EmojiHard
from unite.worlds.emoji.hard_neighbours import Companions, RareCompanions

TASKS = ["t2i", "i2t", "t2v", "v2t", "it2i", "t2i_rare", "i2t_rare"]
COMMON, RARE = atlas.first_glyphs(48), atlas.next_glyphs(16, after=48)


@pytest.fixture(scope="module")
def hard(tmp_path_factory):
    world = EmojiHard(EmojiHardConfig(root=str(tmp_path_factory.mktemp("data")), num_queries=12, num_candidates=96))
    world.prepare()
    return world


def glyphs_of(group):
    """The glyphs of a scene's or a clip's identity."""
    parts = group.split("|")
    names = [part.partition("@")[0] for part in parts if "@" in part]
    return [next(glyph for glyph in COMMON + RARE if glyph.name == name) for name in names]


@pytest.mark.parametrize("name", TASKS)
def test_pools_are_full_and_every_answer_is_in_its_pool_once(hard, name):
    task = read_task(hard.folder / name)
    groups = [row.query.group for row in task.candidates]
    assert len(task.queries) == 12 and 96 <= len(groups) < 100 and len(set(groups)) == len(groups)
    for query in task.queries:
        assert groups.count(query.query.group) == 1


@pytest.mark.parametrize("name", TASKS)
def test_what_stands_together_never_did_in_training(hard, name):
    train = RareCompanions(COMMON, RARE, 0, "train") if name.endswith("rare") else Companions(COMMON, 0, "train")
    for row in read_task(hard.folder / name).candidates:
        for one, other in itertools.combinations(glyphs_of(row.query.group), 2):
            assert other not in train.of([one])


def test_scenes_are_fuller_and_members_of_a_family_differ_in_count_too(hard):
    counts = [len(glyphs_of(row.query.group)) for row in read_task(hard.folder / "t2i").candidates]
    assert set(counts) == {3, 4}
    families = [counts[at : at + 4] for at in range(0, 96, 4)]
    assert [4, 3, 3, 3] in families and [3, 3, 3, 3] in families and [4, 4, 4, 4] in families


@pytest.mark.parametrize("name", ["t2i_rare", "i2t_rare"])
def test_a_rare_glyph_is_to_be_told_from_another_rare_one_and_from_common_ones(hard, name):
    task = read_task(hard.folder / name)
    for row in task.queries:
        assert len(set(glyphs_of(row.query.group)) & set(RARE)) == 1
    scenes = [row.query.group.split("|") for row in task.candidates]
    assert {len(scene) - 2 for scene in scenes} == {2, 3}
    for start in range(0, len(scenes), 4):
        family = scenes[start : start + 4]
        varied = set.union(*map(set, family)) - set.intersection(*map(set, family))
        assert len(varied) == 4 and len({one.partition("@")[2] for one in varied}) == 1
        rare = [any(glyph in RARE for glyph in glyphs_of("|".join(scene))) for scene in family]
        assert rare == [True, False, True, False]


def test_without_rare_glyphs_the_other_tasks_are_the_same(hard, tmp_path):
    small = {"num_queries": 2, "num_candidates": 8}
    folders = []
    for num in (0, 16):
        world = EmojiHard(EmojiHardConfig(root=str(tmp_path), num_rare_glyphs=num, **small))
        world.prepare()
        folders.append(world.folder)
    without, tasks = ({path.relative_to(folder): path.read_bytes() for path in folder.glob("*/**/*.*")} for folder in folders)
    assert {path.parts[0] for path in without} == set(TASKS) - {"t2i_rare", "i2t_rare"}
    assert without == {path: content for path, content in tasks.items() if not path.parts[0].endswith("_rare")}


def test_clips_hold_two_motions_in_eight_frames(hard):
    task = read_task(hard.folder / "t2v")
    every = Decoding(fps=100.0, min_frames=8, max_frames=8)
    for row in itertools.islice(task.candidates, 8):
        assert decode_content(row.query, every).media[0].frames.shape == (8, 84, 84, 3)
    texts = [row.query.text for row in read_task(hard.folder / "v2t").candidates]
    assert all(text.count(", then ") == 1 for text in texts) and len(set(texts)) == len(texts)


def test_captions_tell_every_candidate_apart(hard):
    texts = [row.query.text for row in read_task(hard.folder / "i2t").candidates]
    assert len(set(texts)) == len(texts)


def test_equal_options_give_equal_bytes(hard, tmp_path):
    again = EmojiHard(EmojiHardConfig(root=str(tmp_path), num_queries=12, num_candidates=96))
    again.prepare()
    one, other = ({path.relative_to(world.folder): path.read_bytes() for path in world.folder.rglob("*.*")} for world in (hard, again))
    assert one == other and again.folder.name == hard.folder.name


def test_the_suite_follows_the_world_that_is_trained_on(tmp_path):
    small = ["suite.world.num_queries=4", "suite.world.num_candidates=16"]
    config = composed("train", "suite=emoji_hard", f"data_root={tmp_path}", "world.seed=3", "world.num_glyphs=32", *small)
    (suite,) = build_suites(config)
    assert list(suite.tasks) == TASKS and {task for task in suite.tasks if (suite.data_root / task / "task.json").is_file()} == set(TASKS)
    assert config.suite.world.seed == 3 and config.suite.world.num_glyphs == 32


def test_nothing_is_trained_on_it_and_bad_numbers_are_named(hard):
    with pytest.raises(DataError, match="emoji_hard holds tests alone"):
        hard.texts()
    with pytest.raises(ConfigError, match=r"world.num_queries must be from 1 to half of num_candidates \(5\), but is 6"):
        EmojiHardConfig(num_queries=6, num_candidates=10)
