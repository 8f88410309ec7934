"""What training shows of clips, against lists of numbered frames."""

from dataclasses import replace

import numpy as np
import pytest

from tests.word_processor import WordProcessor
from unite.config.schema import DataConfig, MixtureConfig, SourceConfig
from unite.config.schema.clips import ClipNegative, ClipsConfig, ShownFrames
from unite.data.clips import by_sight, in_turn, shown, with_order_negatives
from unite.data.collate import Collator
from unite.data.mixture import MixtureDataModule
from unite.data.rows import Row, StoredContent
from unite.data.shards import ShardWriter
from unite.data.source import SourceDataModule
from unite.errors import ConfigError
from unite.types import Content, Example, Medium, Modality
from unite.worlds.emoji.atlas import first_glyphs
from unite.worlds.emoji.render import encode_clip
from unite.worlds.emoji.scenes import Clip


def video(*numbers, name=1, side=4):
    """A video whose frame i is of one grey, numbers[i]; a frame a second."""
    frames = np.stack([np.full((side, side, 3), number, np.uint8) for number in numbers])
    return Medium(Modality.VIDEO, frames, name, tuple(map(float, range(len(numbers)))), float(len(numbers)))


def numbers(content):
    return [[int(frame[0, 0, 0]) for frame in medium.frames] for medium in content.media]


def of(medium, text="", group="g"):
    return Content(text, (medium,), "Find it.", group)


def test_shuffled_frames_are_those_of_the_clip_in_an_order_that_the_clip_alone_says():
    orders = [numbers(shown(of(video(0, 1, 2, name=name)), ShownFrames.shuffled))[0] for name in range(600)]
    assert {tuple(order) for order in orders} == {(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)}
    counts = [orders.count(list(order)) for order in {tuple(order) for order in orders}]
    assert min(counts) > 60  # each of six orders about 100 times: the order tells nothing
    clip = of(video(*range(12)))
    first, again = (shown(clip, ShownFrames.shuffled) for _ in range(2))
    assert numbers(first) == numbers(again) and first.fingerprint == again.fingerprint != clip.fingerprint
    assert (first.media[0].seconds, first.identity) == (clip.media[0].seconds, clip.identity)


def test_one_frame_is_any_of_the_clip():
    for frames, length in ((ShownFrames.repeated, 4), (ShownFrames.single, 1)):
        drawn = [numbers(shown(of(video(0, 1, 2, 3, name=name)), frames))[0] for name in range(400)]
        assert all(len(one) == length and len(set(one)) == 1 for one in drawn)
        counts = [sum(one[0] == number for one in drawn) for number in range(4)]
        assert min(counts) > 60
    assert shown(of(video(0, 1, 2, 3)), ShownFrames.repeated).media[0].seconds == (0.0, 1.0, 2.0, 3.0)
    single = shown(of(video(5, 6, 7)), ShownFrames.single).media[0]
    assert (single.seconds, single.duration) == ((0.0,), 3.0)  # when it is shown would tell what was left out


def test_frames_as_images_stand_where_the_video_stood():
    picture = Medium(Modality.IMAGE, np.full((1, 4, 4, 3), 9, np.uint8), 77)
    content = Content("a <|VIDEO|> b <|IMAGE|> c <|INSTRUCTION|>", (video(1, 2), video(3, 4, 5, name=2), picture), "i", "g")
    made = shown(content, ShownFrames.images)
    assert numbers(made) == [[1], [2], [3], [4], [5], [9]] and made.modality == Modality.TEXT | Modality.IMAGE
    assert made.text == "a <|IMAGE|><|IMAGE|><|IMAGE|> b <|IMAGE|> c <|INSTRUCTION|>"  # the first video has no place: it stands first
    assert len({medium.fingerprint for medium in made.media}) == 6 and made.media[-1] is picture
    text = Content("no video <|IMAGE|>", (picture,))
    assert shown(text, ShownFrames.images) is text


def test_negatives_show_the_positive_in_another_order():
    example = Example("k", "s", Content("q", group="g"), (of(video(0, 1, 2, 3)),), (Content("stored"),))
    config = ClipsConfig(negatives=[ClipNegative.reversed, ClipNegative.shuffled])
    made = with_order_negatives(example, config)
    assert (made.query, made.negatives[0], numbers(made.positives[0])) == (example.query, example.negatives[0], [[0, 1, 2, 3]])
    (backwards,), (other,) = (numbers(negative) for negative in made.negatives[1:])
    assert backwards == [3, 2, 1, 0] and sorted(other) == [0, 1, 2, 3] and other not in ([0, 1, 2, 3], backwards)
    assert all(negative.group == "" and negative.media[0].seconds == (0.0, 1.0, 2.0, 3.0) for negative in made.negatives[1:])
    assert with_order_negatives(example, ClipsConfig()) is example


@pytest.mark.parametrize(("frames", "num"), [((5, 5, 5), 0), ((7,), 0), ((1, 2, 1), 1), ((1, 2), 1)])
def test_a_clip_that_would_show_the_same_gives_no_negative(frames, num):
    """A still, a single frame; of a palindrome only shuffled, of two frames only reversed."""
    example = Example("k", "s", Content("q"), (of(video(*frames)),))
    assert len(with_order_negatives(example, ClipsConfig(negatives=["reversed", "shuffled"])).negatives) == num


def test_a_clip_that_is_another_one_reversed_is_no_negative_of_its_own_caption():
    """Row 0 moves right, row 1 left: the negative of 0 is the positive of 1, one content, with the group that 1 knows."""
    config = ClipsConfig(negatives=[ClipNegative.reversed])
    rows = [
        Example(f"{at}", "s", Content(f"q{at}", group=f"g{at}"), (Content("", (video(*order, name=at),), group=f"g{at}"),))
        for at, order in enumerate(((0, 1, 2), (2, 1, 0)))
    ]
    pool = Collator(_Sized(), 999)([with_order_negatives(row, config) for row in rows]).relations
    assert len(pool.fingerprint) == 4 and pool.positive.tolist() == [[1], [2]] and pool.negative.tolist() == [[2], [1]]
    assert pool.identity[pool.query].tolist() == pool.identity[pool.positive[:, 0]].tolist()
    assert by_sight(video(1, 2, name=5)).fingerprint == by_sight(video(1, 2, name=6)).fingerprint != by_sight(video(2, 1)).fingerprint


class _Sized(WordProcessor):
    """Takes clips too: as a word."""

    def encode(self, content):
        return super().encode(replace(content, text=content.text or "clip", media=()))


def test_clips_in_turn_are_told_in_their_order():
    first = Example("a", "s", Content("cat runs", group="A", instruction="i"), (of(video(1, 2), group="A"),))
    second = Example("b", "s", Content("dog sits", group="B"), (of(video(7, 8, side=8), group="B"),))
    made = in_turn(first, second, ", then ", 12)
    assert (made.key, made.query.text, made.query.instruction) == ("a", "cat runs, then dog sits", "i")
    assert numbers(made.positives[0]) == [[1, 2, 7, 8]] and made.positives[0].media[0].frames.shape == (4, 4, 4, 3)
    assert made.positives[0].media[0].seconds == (0.0, 1.0, 2.0, 3.0) and made.positives[0].media[0].duration == 4.0
    other = in_turn(second, first, ", then ", 12)
    assert len({made.query.identity, other.query.identity, first.query.identity, second.query.identity}) == 4
    assert made.query.identity == made.positives[0].identity != other.positives[0].identity
    assert numbers(in_turn(second, first, " ", 2).positives[0]) == [[7, 2]]


def source(folder, **options):
    """Eight rows of a text and a clip."""
    glyphs = first_glyphs(24)
    if not folder.exists():
        with ShardWriter(folder, 99) as writer:
            for at in range(8):
                clip = Clip("blue", glyphs[at], 0, glyphs[9], 4, "moves right")
                text, medium = StoredContent(f"t{at}", group=f"g{at}"), StoredContent(media=(encode_clip(clip),), group=f"g{at}")
                writer.write(Row(f"{at:06d}", text, (medium,)))
    config = SourceConfig(name="s", shards=str(folder), query="text", positive="video", neighbours=2, clips=ClipsConfig(**options))
    return SourceDataModule(config)


def test_a_source_shows_its_clips_as_it_is_told(tmp_path):
    plain = source(tmp_path / "s")
    whole = plain.example(3).positives[0]
    for frames in ("shuffled", "repeated", "single", "images"):
        ours = source(tmp_path / "s", frames=frames).example(3).positives[0]
        expected = shown(whole, ShownFrames(frames))
        assert ours.fingerprint == expected.fingerprint != whole.fingerprint
        assert all((one.frames == other.frames).all() for one, other in zip(ours.media, expected.media, strict=True))
    negative = source(tmp_path / "s", negatives=["reversed"]).example(3).negatives
    assert len(negative) == 1 and (negative[0].media[0].frames == whole.media[0].frames[::-1]).all()


def test_rows_go_in_turn_by_couples(tmp_path):
    all_of_them = source(tmp_path / "s", in_turn=1.0)
    texts = [all_of_them.example(at).query.text for at in range(8)]
    assert texts == [f"t{at}, then t{at ^ 1}" for at in range(8)]
    assert [len(all_of_them.example(at).positives[0].media[0].frames) for at in range(2)] == [8, 8]
    some = source(tmp_path / "s", in_turn=0.5, in_turn_word=" before ")
    joined = ["before" in some.example(at).query.text for at in range(8)]
    assert joined[::2] == joined[1::2] == ["before" in some.example(at).query.text for at in range(0, 8, 2)]
    odd = source(tmp_path / "s", in_turn=1.0)
    odd.leave_out(np.array([7]), np.arange(7), {})
    assert odd.example(6).query.text == "t6"  # nothing beside it


def test_a_resumed_run_must_show_the_same(tmp_path):
    def mixture(**options):
        sources = {"s": source(tmp_path / "s", **options)}
        return MixtureDataModule(MixtureConfig(shares={"s": 1.0}, run_length=2), DataConfig(batch_size=4), sources)

    state = mixture(frames="shuffled").state_dict()
    mixture(frames="shuffled").load_state_dict(state)
    with pytest.raises(ConfigError, match="clips of the resumed run must be .*frames: shuffled.*, but is {}"):
        mixture().load_state_dict(state)
    with pytest.raises(ConfigError, match="frames: shuffled"):
        mixture(frames="shuffled").load_state_dict(mixture().state_dict())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frames": "backwards"}, "clips.frames must be one of .*shuffled"),
        ({"negatives": ["mirrored"]}, "a kind in clips.negatives must be one of .*reversed"),
        ({"negatives": ["reversed", "reversed"]}, "clips.negatives must be kinds named once"),
        ({"frames": "shuffled", "negatives": ["reversed"]}, "clips.frames must be in_order with clips.negatives, but is .*shuffled"),
        ({"in_turn": 1.5}, "clips.in_turn must be from 0 to 1, but is 1.5"),
    ],
)
def test_options_that_say_nothing_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        ClipsConfig(**options)


@pytest.mark.parametrize(
    ("pair", "neighbours", "options", "message"),
    [
        (("text", "image"), 4, {"frames": "single"}, "source.s.clips.frames must be in_order for a source without video"),
        (("video", "text"), 4, {"negatives": ["reversed"]}, "source.s.clips.negatives must be empty where no positive holds a video"),
        (("text+video", "video"), 4, {"in_turn": 0.5}, "source.s.clips.in_turn must be 0 but for text to video and back"),
        (("text", "video"), 1, {"in_turn": 0.5}, "source.s.neighbours must be even with clips.in_turn, but is 1"),
    ],
)
def test_a_source_without_what_is_asked_for_says_so(pair, neighbours, options, message):
    with pytest.raises(ConfigError, match=message):
        SourceConfig(name="s", shards="x", query=pair[0], positive=pair[1], neighbours=neighbours, clips=ClipsConfig(**options))
    SourceConfig(name="s", shards="x", query="text,video", positive="video", clips=ClipsConfig(frames="single", negatives=[]))
