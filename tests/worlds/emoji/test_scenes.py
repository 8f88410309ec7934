"""Captions against pixels: what a text says is what its picture shows.

Of `captions.py`, `render.py`, `atlas.py`, `sources.py`, `hard_neighbours.py` and `pools.py` too: the world is read as it lies on disk.
"""

import io
import json
import re

import av
import numpy as np
import pytest

from tests.worlds.emoji.material import SMALL
from tests.worlds.emoji.reader import ABOUT, CELLS, COLOURS, UPPER_CELLS, cells_of, glyphs_in, pixels_of, words_of
from unite.config.schema.media import Decoding
from unite.data.decode import decode_medium
from unite.data.shards import ShardReader
from unite.data.tasks import read_task
from unite.worlds.emoji.atlas import FOLDER, first_glyphs
from unite.worlds.emoji.captions import dense, describe
from unite.worlds.emoji.hard_neighbours import Companions, clip_family
from unite.worlds.emoji.render import draw_clip, encode_clip, encode_clips
from unite.worlds.emoji.scenes import MOTIONS, Clip, Scene

REVERSED = {"moves right": "moves left", "moves down": "moves up", "grows": "shrinks", "appears": "vanishes"}
REVERSED |= {after: before for before, after in REVERSED.items()}
INSIDE = {"row 0": "along the top", "row 1": "along the middle", "row 2": "along the bottom"}
INSIDE |= {"column 0": "along the left", "column 1": "along the center", "column 2": "along the right"}
WITH_ARTICLE = {glyph["name"]: f"{glyph['article']} {glyph['name']}" for glyph in ABOUT["glyphs"]}
SYNONYM = {glyph["name"]: glyph["synonym"] or WITH_ARTICLE[glyph["name"]] for glyph in ABOUT["glyphs"]}


def train(world, source):
    return [(row.query, row.positives[0]) for row in ShardReader.of_folder(world.folder / "train" / source)]


def decoded(content):
    return decode_medium(content.media[0], Decoding()).frames


def motion_of(frames):
    """Tells the motion from where, how large and how strong the changing pixels are, frame by frame."""
    frames = frames.astype(np.int64)
    ground = frames[0, 27, 27]
    moved = (frames != np.median(frames, axis=0)).any(-1).any(0)
    moved |= (frames != frames[:1]).any(-1).any(0)
    ink = (np.abs(frames - ground).sum(-1) * moved).astype(np.float64)
    mass = ink.sum((1, 2))
    area = (ink > 0).sum((1, 2))
    if mass.max() > 2 * mass.min():
        grows = area[1] < 0.5 * area[3] if mass[3] > mass[0] else area[2] < 0.5 * area[0]
        names = ("grows", "shrinks") if grows else ("appears", "vanishes")
        return names[0] if mass[3] > mass[0] else names[1]
    rows, columns = np.indices(moved.shape)
    x = (ink * columns).sum((1, 2)) / mass
    y = (ink * rows).sum((1, 2)) / mass
    if np.ptp(x) > np.ptp(y):
        return "moves right" if x[3] > x[0] else "moves left"
    return "moves down" if y[3] > y[0] else "moves up"


def fields(group):
    """Returns background, mover, lane, motion, still and its cell of a dense clip's group."""
    _, background, mover, motion, still = group.split("|")
    return background, *mover.split("@"), motion, still.split("@")[0], int(still.split("@")[1])


@pytest.mark.parametrize("source", ["t2i", "t2it"])
def test_a_caption_says_what_its_picture_shows(world, source):
    for text, picture in train(world, source):
        background, cells = words_of(text.text)
        assert (background, cells) == pixels_of(picture.media[0].data, SMALL["num_glyphs"])
        assert 1 <= len(cells) <= 3
        assert text.group == picture.group == "|".join(["scene", background, *(f"{cells[at]}@{at}" for at in sorted(cells))])


def test_a_paraphrase_says_the_same_in_other_words(world):
    for text, other in train(world, "t2t"):
        background, cells = words_of(text.text)
        for cell, name in cells.items():
            place = "very middle" if cell == 4 else UPPER_CELLS[cell]
            assert re.search(rf"{SYNONYM[name]} in the {place}(,| and|$)", other.text)
        assert other.text.count(" in the ") == len(cells) and other.text.startswith(f"on {background} there is a")


def test_a_title_names_the_glyphs_alone(world):
    for text, picture in train(world, "t2it"):
        _, cells = words_of(text.text)
        assert sorted(re.split(", | and ", picture.text.removeprefix("<|IMAGE|>"))) == sorted(SYNONYM[name] for name in cells.values())


def test_an_answer_names_the_other_glyphs(world):
    for query, answer in train(world, "it2t"):
        _, cells = pixels_of(query.media[0].data, SMALL["num_glyphs"])
        asked = re.fullmatch(r"<\|IMAGE\|>what is with the (\w+)\?", query.text)[1]
        others = sorted(WITH_ARTICLE[name] for name in cells.values() if name != asked)
        assert asked in cells.values() and len(others) == 2
        assert sorted(answer.text.split(" and ")) == others


def test_an_edit_turns_the_one_picture_into_the_other(world):
    kinds = set()
    for query, target in train(world, "it2i"):
        background, cells = pixels_of(query.media[0].data, SMALL["num_glyphs"])
        text = query.text.removeprefix("<|IMAGE|>")
        if match := re.fullmatch(r"make the background (\w+)", text):
            background = match[1]
        elif match := re.fullmatch(r"change the (\w+) to an? (\w+)", text):
            cells = {cell: match[2] if name == match[1] else name for cell, name in cells.items()}
        else:
            match = re.fullmatch(r"put the (\w+) (?:at|in) the (.+)", text)
            cells = {cell: name for cell, name in cells.items() if name != match[1]} | {CELLS.index(match[2]): match[1]}
        kinds.add(text.split()[0])
        assert (background, cells) == pixels_of(target.media[0].data, SMALL["num_glyphs"])
        assert query.group == target.group
    assert kinds == {"make", "change", "put"}


def test_a_brief_caption_says_how_the_glyph_moves(world):
    for text, clip in train(world, "t2v"):
        _, mover, motion, still = clip.group.split("|")
        assert text.group == clip.group
        assert text.text == f"{WITH_ARTICLE[mover]} {motion} near {WITH_ARTICLE[still]}"
        assert motion_of(decoded(clip)) == motion


def test_a_dense_caption_says_everything(world):
    motions = set()
    for text, clip in train(world, "t2v_fine"):
        background, mover, lane, motion, still, cell = fields(clip.group)
        frames = decoded(clip)
        assert motion_of(frames) == motion and "#" + bytes(frames[0, 27, 27]).hex() == COLOURS[background]
        where = INSIDE.get(lane) or f"the {CELLS[int(lane[-1])]}"
        staying = f"{WITH_ARTICLE[still]} (at|in) the {CELLS[cell]}, {background} background"
        assert re.fullmatch(rf"{WITH_ARTICLE[mover]} {motion} (at |in )?{where}, {staying}", text.text)
        motions.add(motion)
    assert len(motions) == 8


def test_clips_decode_to_what_was_drawn_at_two_frames_a_second():
    family = clip_family(np.random.default_rng(0), Companions(first_glyphs(24), 0, "train"), ("motion",))
    drawn = np.concatenate([draw_clip(clip) for clip in family])
    with av.open(io.BytesIO(encode_clips(family).data)) as container:
        (stream,) = container.streams
        frames = list(container.decode(stream))
        assert stream.codec_context.name == "png" and stream.average_rate == 2
    assert np.array_equal([frame.to_ndarray(format="rgb24") for frame in frames], drawn)
    assert [frame.time for frame in frames] == [number / 2 for number in range(16)]


def test_the_still_glyph_of_a_clip_is_where_its_caption_says_in_every_frame(world):
    for _, clip in train(world, "t2v_fine"):
        background, mover, lane, _, still, cell = fields(clip.group)
        for frame in decoded(clip):
            assert cells_of(frame, SMALL["num_glyphs"])[1][cell] == still
        inside = {"row": lambda at: at // 3, "column": lambda at: at % 3, "cell": int}[lane.split()[0]]
        ground = np.array([int(COLOURS[background][at : at + 2], 16) for at in (1, 3, 5)])
        for frame in decoded(clip):
            inked = {(y // 28) * 3 + x // 28 for y, x in np.argwhere((frame != ground).any(-1))}
            assert {inside(at) for at in inked - {cell}} <= {int(lane[-1])}, mover


def test_neighbours_differ_in_one_attribute(world):
    for source in ("t2i", "t2v_fine", "it2i"):
        rows = train(world, source)
        for start in range(0, len(rows), 4):
            groups = [positive.group.split("|") for _, positive in rows[start : start + 4]]
            assert len({tuple(group) for group in groups}) == 4
            if source == "t2v_fine":
                motion_alone = len({(g[1], g[2].split("@")[0], g[4]) for g in groups}) == 1 and len({g[3] for g in groups}) == 4
                others = sum(len({group[at] for group in groups}) > 1 for at in (1, 2, 3, 4))
                assert motion_alone or others == 1
            else:
                names = {frozenset(part.split("@")[0] for part in group[2:]) for group in groups}
                places = {frozenset(part.split("@")[1] for part in group[2:]) for group in groups}
                whole = {tuple(group[2:]) for group in groups}
                backgrounds = {group[1] for group in groups}
                assert (len(backgrounds), len(whole)) == (4, 1) or (len(backgrounds) == 1 and 1 in (len(names), len(places)))


def test_hard_distractors_are_in_the_pools(world):
    for task, fields_kept in (("t2v", (1, 3)), ("t2v_fine", (1, 4)), ("vt2v", (1, 4))):
        stored = read_task(world.folder / "test" / task)
        groups = [row.query.group.split("|") for row in stored.candidates]
        motion = 2 if task == "t2v" else 3
        with_reverse = 0
        for group in groups:
            twins = [g for g in groups if g[motion] == REVERSED[group[motion]] and all(g[at] == group[at] for at in fields_kept)]
            with_reverse += any(g[motion - 1] == group[motion - 1] for g in twins)
        assert with_reverse >= 16, task
    groups = [row.query.group for row in read_task(world.folder / "test" / "t2i").candidates]
    assert sum(glyphs_in(a) == glyphs_in(b) and a != b for a in groups for b in groups) >= 64


def test_a_reversed_clip_is_the_clip_backwards(world):
    task = read_task(world.folder / "test" / "temporal")
    clips = {row.key: row.query for row in task.candidates}
    for row in task.queries:
        (right,) = task.relevance[row.key]
        motions = {clips[one].group.split("|")[2]: one for one in task.pools[row.key]}
        assert len(task.pools[row.key]) == 8 and sorted(motions) == sorted(REVERSED)
        assert len({tuple(sorted(glyphs_in(clips[one].group))) for one in task.pools[row.key]}) == 1
        motion = clips[right].group.split("|")[2]
        assert motion in row.query.text
        backwards = decoded(clips[motions[REVERSED[motion]]])[::-1]
        assert np.array_equal(decoded(clips[right]), backwards) and not np.array_equal(decoded(clips[right]), backwards[::-1])


def test_spatial_pools_hold_the_same_glyphs_in_other_places(world):
    task = read_task(world.folder / "test" / "spatial")
    pictures = {row.key: pixels_of(row.query.media[0].data, SMALL["num_glyphs"]) for row in task.candidates}
    exchanged = 0
    for row in task.queries:
        (right,) = task.relevance[row.key]
        pool = [pictures[one] for one in task.pools[row.key]]
        assert words_of(row.query.text) == pictures[right] and pool.count(pictures[right]) == 1
        assert len(pool) == 8 and len({(background, tuple(sorted(cells.values()))) for background, cells in pool}) == 1
        exchanged += any(sorted(cells) == sorted(pictures[right][1]) and cells != pictures[right][1] for _, cells in pool)
    assert exchanged >= 2 * len(task.queries) // 8


def test_every_article_is_right(world):
    """By letter, but for `a unicorn` and the like, of which there are none."""
    for glyph in ABOUT["glyphs"]:
        for phrase in filter(None, (f"{glyph['article']} {glyph['name']}", glyph["synonym"])):
            assert re.match(r"an [aeiou]|a [^aeiou]", phrase), phrase
    for text in world.texts():
        assert not re.search(r"\ba [aeiou]|\ban [^aeiou]", text), text


def test_synonyms_are_no_other_glyph_and_the_notice_is_there():
    synonyms = [glyph["synonym"].split(" ", 1)[1] for glyph in ABOUT["glyphs"] if glyph["synonym"]]
    assert len(set(synonyms)) == len(synonyms) and not set(synonyms) & set(WITH_ARTICLE)
    notice = (FOLDER / "NOTICE.md").read_text()
    assert "CC BY-SA 4.0" in notice and "OpenMoji 17.0.0" in notice
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 1.5e6
    assert {"annotation", "tags", "group", "name", "article", "synonym"} <= set(
        json.loads((FOLDER / "atlas.json").read_text())["glyphs"][0]
    )


def test_a_clip_of_more_frames_is_the_same_clip_seen_more_often():
    """Of 7 frames in the same time every second one is one of the 4."""
    glyphs = first_glyphs(24)
    for motion in MOTIONS:
        clip = Clip("pink", glyphs[0], 2, glyphs[1], 4, motion)
        assert (draw_clip(clip, 7)[::2] == draw_clip(clip)).all() and len(draw_clip(clip, 7)) == 7
        medium = decode_medium(encode_clip(clip, 7), Decoding(min_frames=7))
        assert (medium.frames == draw_clip(clip, 7)).all() and medium.duration == 2.0


@pytest.mark.parametrize(("source", "kind", "caption"), [("t2i", Scene, describe), ("t2v_fine", Clip, dense)])
def test_an_identity_tells_what_is_shown(world, source, kind, caption):
    for query, _ in train(world, source):
        shown = kind.of_identity(query.group)
        assert (shown.identity, caption(shown)) == (query.group, query.text)
