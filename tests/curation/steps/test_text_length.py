import pytest

from tests.curation.material import row
from tests.curation.steps.material import reason
from tests.media.material import image_medium
from unite.curation.steps.text_length import TextLength
from unite.errors import ConfigError
from unite.media.ready import RawMedium
from unite.types import Modality


@pytest.mark.parametrize(
    ("text", "expected"),
    [("one two three", None), ("one two", "text too short"), ("a b c d e f", "text too long"), ("a " + "b" * 30 + " c", "text too long")],
)
def test_text_length(text, expected):
    step = TextLength(min_words=3, max_words=5, max_characters=20)
    assert reason(step, row(text, "one two three")) == expected
    assert reason(step, row("one two three", text)) == expected


def test_words_are_counted_as_the_language_writes_them():
    """Seven words of Chinese and five of Thai, in one run of letters each."""
    chinese, thai = row("我们喜欢这只棕色的狗", "我们喜欢这只棕色的狗"), row("ฉันรักภาษาไทยมาก", "ฉันรักภาษาไทยมาก")
    assert [reason(TextLength(min_words=5), one) for one in (chinese, thai)] == [None, None]
    assert [reason(TextLength(max_words=6), one) for one in (chinese, thai)] == ["text too long", None]


def test_media_without_text_have_no_text_length():
    assert reason(TextLength(min_words=3), row(Modality.IMAGE.place, "one two three", query_media=[image_medium()])) is None


def test_a_text_step_opens_no_medium():
    assert reason(TextLength(), row(positive_media=[RawMedium(Modality.IMAGE, "nowhere.jpg")])) is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TextLength(min_words=9, max_words=8), r"text_length.min_words must be from 0 to max_words \(8\), but is 9"),
        (lambda: TextLength(min_characters=-1), "text_length.min_characters must be from 0"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
