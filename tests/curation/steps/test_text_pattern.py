import pytest

from tests.curation.material import row
from tests.curation.steps.material import reason
from tests.media.material import image_medium
from unite.curation.steps.text_pattern import TextPattern
from unite.errors import ConfigError
from unite.types import Modality


@pytest.mark.parametrize(
    ("text", "is_left_out"),
    [("The letter a.", True), ("the LETTERS of an alphabet", True), ("A letterbox.", False), ("A Z", False), ("Z", True), ("", False)],
)
def test_texts_with_a_pattern_anywhere_are_left_out(text, is_left_out):
    step, expected = TextPattern(patterns=[r"\bletters?\b", r"^.$"]), "text matches a pattern" if is_left_out else None
    assert reason(step, row(text, "a picture")) == expected
    assert reason(step, row("a picture", text)) == expected


def test_media_without_text_match_nothing():
    assert reason(TextPattern(patterns=["^.*$"]), row(Modality.IMAGE.place, Modality.IMAGE.place, query_media=[image_medium()])) is None


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        ([], r"text_pattern.patterns must be a list of at least one regular expression, but is \[\]"),
        ("letters", "text_pattern.patterns must be a list of at least one regular expression, but is 'letters'"),
        (["(open"], r"text_pattern.patterns must be regular expressions, but is '\(open .*unterminated"),
    ],
)
def test_what_is_no_list_of_patterns_is_refused(patterns, message):
    with pytest.raises(ConfigError, match=message):
        TextPattern(patterns=patterns)
