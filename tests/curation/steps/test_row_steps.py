import numpy as np
import pytest
from PIL import Image

from tests.curation.material import clip, encoded, image_medium, loaded, photograph, row, video_medium
from unite.curation.raw import RawMedium, SkippedRowError
from unite.curation.steps.image_size import ImageSize
from unite.curation.steps.language import Language
from unite.curation.steps.text_length import TextLength
from unite.curation.steps.video_length import VideoLength, motion
from unite.errors import ConfigError
from unite.types import IMAGE_PLACE, Modality


def reason(step, raw):
    drop = step.judge_row(loaded(raw))
    return drop and drop.reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [("one two three", None), ("one two", "text too short"), ("a b c d e f", "text too long"), ("a " + "b" * 30 + " c", "text too long")],
)
def test_text_length(text, expected):
    step = TextLength(min_words=3, max_words=5, max_characters=20)
    assert reason(step, row(text, "one two three")) == expected
    assert reason(step, row("one two three", text)) == expected


def test_media_without_text_have_no_text_length():
    assert reason(TextLength(min_words=3), row(IMAGE_PLACE, "one two three", query_media=[image_medium()])) is None


def test_a_text_step_opens_no_medium():
    assert reason(TextLength(), row(positive_media=[RawMedium(Modality.IMAGE, "nowhere.jpg")])) is None


LONG = {
    "en": "A brown dog runs across the wide green field behind our house",
    "de": "Ein brauner Hund läuft über die weite grüne Wiese hinter unserem Haus",
    "fr": "Un chien brun court à travers le grand champ vert derrière notre maison",
    "zh": "一只棕色的狗正在我们房子后面宽阔的绿色田野上快乐地奔跑着追逐一个红色的球",
}


def test_language():
    for language, text in LONG.items():
        assert reason(Language(["en"]), row(LONG["en"], text)) == (None if language == "en" else "other language"), language
        assert reason(Language([language]), row(text, text)) is None
    assert reason(Language(["en"]), row("ein Hund", "le chien")) is None  # too short to tell
    assert "de (1.00): ein brauner hund" in Language(["en"]).judge_row(loaded(row(LONG["de"]))).detail


@pytest.mark.parametrize(("size", "expected"), [((100, 80), None), ((100, 63), "image too small"), ((700, 100), "image too long drawn")])
def test_image_size(size, expected):
    medium = image_medium(Image.new("RGB", size))
    assert reason(ImageSize(min_side=64, max_aspect=5), row(positive_media=[medium])) == expected
    assert reason(ImageSize(min_side=64, max_aspect=5), row(query_media=[medium])) == expected


def test_video_length():
    moving = row(positive_media=[video_medium(clip(30, 10))])
    assert reason(VideoLength(1, 10), moving) is None
    assert reason(VideoLength(4, 10), moving) == "video too short"
    assert reason(VideoLength(1, 2), moving) == "video too long"
    assert reason(VideoLength(1, 2.5), row(positive_media=[video_medium(clip(30, 10), 0.5, 2.5)])) is None  # the clip counts
    still = video_medium(clip(30, 10, shift=0))
    assert reason(VideoLength(1, 10), row(positive_media=[still])) == "static clip"
    assert reason(VideoLength(1, 10, min_motion=0), row(positive_media=[still])) is None
    assert reason(VideoLength(), row(positive_media=[image_medium()])) is None


def test_motion_is_the_mean_difference_of_neighbouring_frames():
    ready = loaded(row(positive_media=[video_medium()])).media[0].ready
    greys = [np.asarray(frame, float) for frame in ready.thumbnails]
    expected = np.mean([np.abs(one - other).mean() for one, other in zip(greys[1:], greys[:-1], strict=True)])
    assert motion(ready) == pytest.approx(expected)


def test_what_cannot_be_opened_is_told_by_the_medium():
    with pytest.raises(SkippedRowError, match="broken image"):
        reason(ImageSize(), row(query_media=[RawMedium(Modality.IMAGE, data=encoded(photograph())[:3])]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TextLength(min_words=9, max_words=8), r"text_length.min_words must be from 0 to max_words \(8\), but is 9"),
        (lambda: TextLength(min_characters=-1), "text_length.min_characters must be from 0"),
        (lambda: Language(["english"]), r"language.languages must be one of .*, en, .*, but is 'english'"),
        (lambda: Language([]), "language.languages must be at least one code"),
        (lambda: Language(min_probability=2), "language.min_probability must be from 0 to 1, but is 2"),
        (lambda: ImageSize(max_aspect=0.5), "image_size.max_aspect must be at least 1, but is 0.5"),
        (lambda: ImageSize(min_side=-1), "image_size.min_side must be at least 0"),
        (lambda: VideoLength(5, 4), r"video_length.min_seconds must be from 0 to max_seconds \(4\), but is 5"),
        (lambda: VideoLength(min_motion=-1), "video_length.min_motion must be at least 0"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
