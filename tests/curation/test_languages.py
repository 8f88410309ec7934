from itertools import pairwise

import pytest

from unite.curation.languages import is_sampled, languages_of, script_of

TEXTS = {
    "en": "A red fox jumps over the fence and runs away into the dark forest.",
    "de": "Ein roter Fuchs springt über den Zaun und läuft davon in den dunklen Wald.",
    "ru": "Рыжая лиса прыгает через забор и убегает в тёмный лес.",
    "ja": "赤いキツネが柵を飛び越えて、暗い森へ走っていきます。",
    "ar": "قفز الثعلب الأحمر فوق السياج وهرب إلى الغابة المظلمة.",
}


def test_languages_and_scripts_are_counted_most_first():
    found = languages_of([*TEXTS.values(), TEXTS["de"], "", " \n", "12 + 30", "<|IMAGE|>"])
    assert found["texts"] == 7
    assert found["languages"] == {"de": 2, "ar": 1, "en": 1, "ja": 1, "no letters": 1, "ru": 1}
    assert found["scripts"]["Latin"] == 3 and found["scripts"]["no letters"] == 1 and found["scripts"]["Cyrillic"] == 1


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


@pytest.mark.parametrize("num_rows", [1, 499, 500, 501, 777, 100_000])
def test_at_most_so_many_rows_are_looked_at_and_evenly(num_rows):
    places = [at for at in range(num_rows) if is_sampled(at, num_rows)]
    assert len(places) == min(num_rows, 500) and places[0] == 0
    gaps = {after - before for before, after in pairwise(places)}
    assert not gaps or max(gaps) - min(gaps) <= 1
