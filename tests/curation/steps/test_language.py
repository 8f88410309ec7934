import pytest

from tests.curation.material import loaded, row
from tests.curation.steps.material import reason
from unite.curation.steps.language import Language, identifier
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
    assert "likely de, not wanted (1.000): ein brauner hund" in Language(["en"]).judge_row(loaded(row(LONG["de"]))).detail


@pytest.mark.parametrize(
    "text",
    ["पैदल चलता पुरुष: गोरी त्वचा, दाईं ओर चेहरा घुमाए", "女人戴着头巾跑步 中等肤色 面向右边 一个人在走路", "mujer caminando hacia la derecha"],
)
def test_a_text_of_which_no_language_is_sure_may_surely_be_none_of_those_wanted(text):
    ranked = identifier().rank(text)
    assert ranked[0][1] < 0.9  # the three languages of Devanagari share the rest, those of Han and the Romance ones likewise
    assert reason(Language(["en"]), row(text)) == "other language"
    assert reason(Language([ranked[0][0], "en"]), row(text)) is None


def test_what_is_most_likely_wanted_stays_however_unsure():
    assert reason(Language(["en"], min_probability=0), row("woman walking facing right")) is None


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
