import hashlib
import itertools
import json
import re
import signal
import subprocess
import sys
import time
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from tests.watched import watched
from tests.worlds.emoji.material import SMALL
from tests.worlds.emoji.reader import NAMES, glyphs_in, pixels_of
from unite.config.schema import WorldConfig
from unite.config.schema.media import Decoding
from unite.data.decode import decode_row
from unite.data.shards import ShardReader
from unite.data.tasks import read_task
from unite.errors import ConfigError, DataError
from unite.types import Content
from unite.worlds.emoji import EmojiWorld, building
from unite.worlds.emoji.atlas import first_glyphs, next_glyphs
from unite.worlds.emoji.hard_neighbours import Companions, RareCompanions, clip_family, question_family, scene_family
from unite.worlds.emoji.preview import draw
from unite.worlds.emoji.sources import KINDS

PAIRS = ["i2t", "it2i", "it2t", "t2i", "t2it", "t2t", "t2v", "t2v_fine", "v2t", "v2t_fine", "vt2v"]


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def train(world, source):
    return list(ShardReader.of_folder(world.folder / "train" / source))


def test_every_pair_has_a_source_and_its_tasks(world):
    assert sorted(path.name for path in (world.folder / "train").iterdir()) == PAIRS == sorted(KINDS)
    assert sorted(path.name for path in (world.folder / "test").iterdir()) == sorted([*PAIRS, "spatial", "temporal"])
    assert sorted(path.name for path in (world.folder / "held_in").iterdir()) == PAIRS
    manifest = json.loads((world.folder / "manifest.json").read_text())
    for source in PAIRS:
        reader = ShardReader.of_folder(world.folder / "train" / source)
        assert manifest["sources"][source] == {"num_rows": 64, "sha256": reader.checksum()} and len(reader) == 64


@pytest.mark.parametrize("source", PAIRS)
def test_rows_decode_to_the_modalities_of_their_source(world, source):
    for row in train(world, source)[:8]:
        example = decode_row(row, row.key, source, Decoding())
        assert (example.query.modality, example.positives[0].modality) == (KINDS[source].query, KINDS[source].positive)
        assert example.query.identity == example.positives[0].identity != Content("").identity
        for medium in (*example.query.media, *example.positives[0].media):
            assert medium.frames.shape[1:] == (84, 84, 3) and len(medium.frames) in (1, 4)


def test_equal_parameters_give_equal_bytes_and_another_seed_others(world, tmp_path):
    EmojiWorld(WorldConfig(root="elsewhere", **SMALL)).build(tmp_path / "again")
    assert files(tmp_path / "again") == files(world.folder)
    other = EmojiWorld(WorldConfig(root=world.folder.parent, seed=1, **SMALL))
    assert other.folder != world.folder
    other.build(tmp_path / "other")
    sums = [
        {name: source["sha256"] for name, source in json.loads((folder / "manifest.json").read_text())["sources"].items()}
        for folder in (world.folder, tmp_path / "other")
    ]
    assert all(sums[0][name] != sums[1][name] for name in PAIRS)


def together(contents):
    """Pairs of glyphs that stand together, read from groups and, where there is a picture, from its pixels."""
    pairs = set()
    for content in contents:
        pairs |= set(itertools.combinations(sorted(glyphs_in(content.group)), 2))
        for medium in content.media:
            if medium.extension == "png":
                _, cells = pixels_of(medium.data, SMALL["num_glyphs"])
                pairs |= set(itertools.combinations(sorted(cells.values()), 2))
    return pairs


@pytest.fixture(scope="module")
def trained_pairs(world):
    rows = [row for source in PAIRS for row in train(world, source)]
    return together(content for row in rows for content in (row.query, *row.positives))


def test_glyphs_that_stand_together_in_a_test_never_do_in_training(world, trained_pairs):
    tested, seen = set(), set()
    for folder in (world.folder / "test").iterdir():
        task = read_task(folder)
        contents = [row.query for row in (*task.queries, *task.candidates)]
        tested |= together(contents)
        seen |= {name for content in contents for name in glyphs_in(content.group)}
    assert len(tested) > 80 and len(trained_pairs) > 80
    assert tested & trained_pairs == set()
    assert seen <= {name for pair in trained_pairs for name in pair}, "a glyph is tested that training never showed"


def test_held_in_tasks_are_made_of_training_rows_that_are_as_hard_as_the_tests(world):
    for source in PAIRS:
        rows = train(world, source)
        task = read_task(world.folder / "held_in" / source)
        assert {row.query for row in task.queries} <= {row.query for row in rows}
        assert {row.query for row in task.candidates} <= {row.positives[0] for row in rows}
        assert all(len(glyphs_in(row.query.group)) > 1 for row in task.candidates if source != "it2t")


def test_a_third_of_the_training_scenes_shows_one_glyph_and_no_test_scene_does(world):
    for source in ("t2t", "t2i", "it2i", "t2it"):
        alone = [len(glyphs_in(row.positives[0].group)) == 1 for row in train(world, source)]
        assert alone == [at // 4 % 3 == 2 for at in range(64)]
        assert all(len(glyphs_in(row.query.group)) > 1 for row in read_task(world.folder / "test" / source).candidates)


def test_the_tests_are_those_that_earlier_figures_are_of(world):
    """As they were before there were rare glyphs."""
    told = hashlib.sha256()
    for folder in sorted((world.folder / "test").iterdir()):
        task = read_task(folder)
        for row in (*task.queries, *task.candidates):
            told.update("\n".join([folder.name, row.key, row.query.text, row.query.instruction, row.query.group]).encode())
    assert told.hexdigest() == "1d5894983521accb2d5def6b894b6e5f3e9189b0dd31cf1ac4aa5e9a64c2c069"


def test_training_may_see_more_frames_and_the_tests_stay_as_they_are(world, tmp_path):
    more = EmojiWorld(WorldConfig(root=tmp_path, **SMALL, num_frames=8))
    more.prepare()
    assert files(more.folder / "test") == files(world.folder / "test")
    for row, four in zip(train(more, "t2v_fine"), train(world, "t2v_fine"), strict=True):
        assert row.query == four.query and row.positives[0].group == four.positives[0].group
    clip = decode_row(train(more, "v2t")[0], "k", "s", Decoding(min_frames=8)).query.media[0]
    assert len(clip.frames) == 8 and clip.duration == 2.0


@pytest.fixture(scope="module")
def larger(tmp_path_factory):
    """With rare glyphs in one family of 40, and held-in pools that would need it if they held such."""
    sizes = {"num_train": 160, "num_queries": 12, "num_candidates": 92, "num_rare_glyphs": 16}
    world = EmojiWorld(WorldConfig(root=tmp_path_factory.mktemp("data"), **SMALL | sizes))
    world.prepare()
    return world


@pytest.mark.parametrize("source", PAIRS)
def test_rare_glyphs_are_in_every_28th_training_family_and_in_no_test(world, larger, source):
    common = set(NAMES[: SMALL["num_glyphs"]])
    rows = train(larger, source)
    rare = [bool(shown_in(row.query, row.positives[0]) - common) for row in rows]
    assert any(rare[27 * 4 : 28 * 4]) and not any(rare[: 27 * 4] + rare[28 * 4 :])
    assert rows[:64] == train(world, source)
    for place in ("test", "held_in"):
        task = read_task(larger.folder / place / source)
        assert len(task.candidates) >= 92
        assert all(shown_in(row.query) <= common for row in (*task.queries, *task.candidates))


def shown_in(*contents):
    """Names of glyphs in groups, an answer's too."""
    return {name for content in contents for name in re.findall("[a-z]+", content.group) if name in NAMES}


def test_a_rare_glyph_is_seen_a_tenth_to_a_twentieth_as_often_as_a_common_one():
    glyphs, rare = first_glyphs(48), next_glyphs(16, after=48)
    companions = {"train": Companions(glyphs, 0, "train")}
    plan = building.Plan(0, 0, 0, 0, 48, 16, 4, companions, RareCompanions(glyphs, rare, 0, "train"))
    seen = Counter()
    for number in range(28 * 120):
        rng = np.random.default_rng([7, number])
        may = plan.companions_of("train", number)
        shown = (scene_family(rng, may), clip_family(rng, may), [scene for scene, _ in question_family(rng, may)])
        seen.update(glyph for family in shown for one in family for glyph in one.glyphs)
    often = sum(seen[glyph] for glyph in glyphs) / 48
    assert often / 20 < sum(seen[glyph] for glyph in rare) / 16 < often / 10
    assert all(often / 30 < seen[glyph] < often / 8 for glyph in rare) and len(seen) == 64


def test_pools_hold_what_was_asked_for_and_one_right_answer_each(world):
    for folder in (world.folder / "test").iterdir():
        task = read_task(folder)
        groups = {row.key: row.query.group for row in task.candidates}
        assert 64 <= len(groups) < 64 + 8 and len(set(groups.values())) == len(groups)
        assert len(task.queries) == (64 if task.pools else 24)
        for row in task.queries:
            ((right, grade),) = task.relevance[row.key].items()
            assert grade == 1 and groups[right] == row.query.group


def test_texts_of_a_pool_are_told_apart(world):
    for source in ("t2t", "i2t", "v2t", "v2t_fine", "it2t"):
        texts = [row.query.text for row in read_task(world.folder / "test" / source).candidates]
        assert len(set(texts)) == len(texts)


def test_a_whole_world_is_not_built_again(world, monkeypatch):
    monkeypatch.setattr(EmojiWorld, "build", lambda *_: pytest.fail("built again"))
    EmojiWorld(WorldConfig(root=world.folder.parent, **SMALL)).prepare()


def test_one_process_builds_the_same_bytes_and_shows_how_far_it_is(world, tmp_path, monkeypatch):
    monkeypatch.setattr(building, "may_fork", lambda: False)
    works = watched(monkeypatch, building)
    again = EmojiWorld(WorldConfig(root=tmp_path, **SMALL))
    again.prepare()
    assert files(again.folder) == files(world.folder)
    total = 7 * SMALL["num_train"] // 4
    assert [(work.title, work.done, work.total) for work in works] == [("building the emoji world", total, total)]


def test_a_build_that_fails_leaves_nothing_and_is_made_good(world, tmp_path, monkeypatch):
    again = EmojiWorld(WorldConfig(root=tmp_path, **SMALL))
    with monkeypatch.context() as patch:
        patch.setattr(building, "write_subset_task", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OSError, match="disk full"):
            again.prepare()
    assert list(tmp_path.iterdir()) == []
    again.folder.mkdir()  # a folder without a manifest is no world
    again.prepare()
    assert files(again.folder) == files(world.folder)


def test_a_world_is_not_built_over_another_folder(world, tmp_path):
    with pytest.raises(
        DataError, match="the folder of a new world must be one that is not there yet, but is .* Remove it to build it again"
    ):
        world.build(tmp_path)


def test_a_killed_build_leaves_no_half_world(tmp_path):
    imports = "from unite.config.schema import WorldConfig; from unite.worlds.emoji import EmojiWorld"
    code = f"{imports}; EmojiWorld(WorldConfig(root={str(tmp_path)!r}, num_train=40000, num_glyphs=32)).prepare()"
    process = subprocess.Popen([sys.executable, "-c", code])
    while not list(tmp_path.glob("*.partial/train/t2t/*.tar")):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (left,) = tmp_path.glob("*.partial")
    small = EmojiWorld(WorldConfig(root=tmp_path, **SMALL))
    assert not small.folder.exists()
    small.prepare()
    assert (small.folder / "manifest.json").is_file() and not left.exists()


def test_texts_are_those_of_training_without_places_of_media(world):
    texts = list(world.texts())
    assert len(set(texts)) == len(texts) and all("<|" not in text for text in texts)
    rows = [row for source in PAIRS for row in train(world, source)]
    told = {re.sub(r"<\|\w+\|>", "", content.text) for row in rows for content in (row.query, *row.positives)} - {""}
    assert told <= set(texts) and "Answer the question." in texts
    with pytest.raises(DataError, match=r"must be built before it is read, but is .* Call prepare\(\) first"):
        next(EmojiWorld(WorldConfig(root=world.folder.parent / "nowhere")).texts())


WRONG = [
    ({"num_train": 10}, "world.num_train must be a multiple of 4, the rows of a family, but is 10"),
    ({"num_queries": 200}, r"world.num_queries must be from 1 to half of num_candidates \(128\), but is 200"),
    ({"num_glyphs": 97}, "world.num_glyphs must be from 24 to 96, the size of the atlas, but is 97"),
    ({"num_rare_glyphs": 7}, "world.num_rare_glyphs must be 0, or from 8 to the 48 that world.num_glyphs leaves of the atlas, but is 7"),
    ({"num_glyphs": 90}, "world.num_rare_glyphs must be 0, or from 8 to the 6 that world.num_glyphs leaves of the atlas, but is 16"),
    ({"seed": -1}, "world.seed must be 0 or above, but is -1"),
    ({"num_frames": 3}, "world.num_frames must be from 4 to 64, but is 3"),
]


@pytest.mark.parametrize(("changes", "message"), WRONG)
def test_a_number_outside_its_range_is_named(changes, message):
    with pytest.raises(ConfigError, match=message):
        EmojiWorld(WorldConfig(**changes))


def test_too_few_glyphs_for_a_pool_are_named(tmp_path):
    world = EmojiWorld(WorldConfig(root=tmp_path, num_train=4, num_queries=4, num_candidates=93, num_glyphs=24))
    with pytest.raises(ConfigError, match="With 24 glyphs there are no more combinations held out: raise world.num_glyphs"):
        world.prepare()


def test_the_sheet_of_examples_is_drawn(world, tmp_path):
    draw(world, tmp_path / "sheet.png")
    sheet = Image.open(tmp_path / "sheet.png")
    assert sheet.width == 1180 and 900 < sheet.height < 1500 and len(sheet.getcolors(1 << 20)) > 500


def test_names_are_short_and_unique():
    assert len(NAMES) == 96 == len(set(NAMES)) and all(re.fullmatch(r"[a-z]+", name) for name in NAMES)
