from itertools import pairwise

import pytest

from unite.curation.languages import is_sampled, language_shares, languages_of, script_of

TEXTS = {
    "en": "A red fox jumps over the fence and runs away into the dark forest.",
    "de": "Ein roter Fuchs springt über den Zaun und läuft davon in den dunklen Wald.",
    "ru": "Рыжая лиса прыгает через забор и убегает в тёмный лес.",
    "ja": "赤いキツネが柵を飛び越えて、暗い森へ走っていきます。",
    "ar": "قفز الثعلب الأحمر فوق السياج وهرب إلى الغابة المظلمة.",
}
#: Captions, none of which py3langid is sure of.
SHORT = {
    "en": [
        "red apple",
        "grinning face",
        "thumbs down",
        "two women holding hands",
        "old key",
        "closed book",
        "a man with a hat",
        "fire truck",
    ],
    "de": ["roter Apfel", "grinsendes Gesicht", "Daumen runter", "alter Schlüssel", "geschlossenes Buch", "ein Mann mit Hut", "Feuerwehr"],
}


def test_languages_and_scripts_are_shares_largest_first():
    found = languages_of([*TEXTS.values(), TEXTS["de"], "", " \n", "12 + 30", "<|IMAGE|>", TEXTS["de"]])
    assert found["texts"] == 8
    assert found["languages"] == {"de": 0.375, "ar": 0.125, "en": 0.125, "ja": 0.125, "no letters": 0.125, "ru": 0.125}
    assert next(iter(found["languages"])) == "de" and found["scripts"]["Latin"] == 0.5 and found["scripts"]["no letters"] == 0.125
    assert languages_of(["", "<|VIDEO|>"]) == {"texts": 0, "languages": {}, "scripts": {}}


@pytest.mark.parametrize("language", SHORT)
def test_short_captions_tell_together_what_none_tells_alone(language):
    assert language_shares(SHORT[language] * 5)[language] > 0.9


def test_a_mixture_has_the_shares_of_its_parts():
    found = language_shares(SHORT["en"] * 3 + SHORT["de"])
    assert found["en"] + found["de"] > 0.95 and found["en"] == pytest.approx(24 / 31, abs=0.08)


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("café", "Latin"),
        ("中文 and", "Latin"),
        ("中文字", "Han"),
        ("한국어", "Hangul"),
        ("ไทย", "Thai"),
        ("7 !", "no letters"),
        ("हिन्दी", "Devanagari"),
    ],
)
def test_the_script_is_that_of_most_letters(text, script):
    assert script_of(text) == script


@pytest.mark.parametrize("num_rows", [1, 249, 250, 251, 777, 100_000])
def test_at_most_so_many_rows_are_looked_at_and_evenly(num_rows):
    places = [at for at in range(num_rows) if is_sampled(at, num_rows)]
    assert len(places) == min(num_rows, 250) and places[0] == 0
    gaps = {after - before for before, after in pairwise(places)}
    assert not gaps or max(gaps) - min(gaps) <= 1
