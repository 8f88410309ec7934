import pytest

from tests.curation.material import loaded, row
from tests.curation.steps.material import reason
from unite.curation.steps.language import Language
from unite.errors import ConfigError

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


def test_of_a_book_the_first_pages_tell_the_language():
    book = LONG["de"] + " " + f"{LONG['en']} " * 1000
    assert reason(Language(["de"]), row(LONG["de"] * 200 + book)) is None and reason(
        Language(["de"]), row(f"{LONG['en']} " * 1000 + book * 9)
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Language(["english"]), r"language.languages must be one of .*, en, .*, but is 'english'"),
        (lambda: Language([]), "language.languages must be at least one code"),
        (lambda: Language(min_probability=2), "language.min_probability must be from 0 to 1, but is 2"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
