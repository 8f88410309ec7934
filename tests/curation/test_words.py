"""Sentences that a person has split: their words, joined as the language writes them."""

import pytest

from unite.curation.words import count_words

SENTENCES = {
    "Chinese": ["我们", "喜欢", "这", "只", "棕色", "的", "狗"],
    "traditional Chinese": ["我們", "喜歡", "學習"],
    "Japanese": ["吾輩", "は", "猫", "で", "ある"],
    "katakana": ["コーヒー", "と", "ケーキ"],
    "Thai": ["ฉัน", "รัก", "ภาษา", "ไทย", "มาก"],
    "Lao": ["ຂ້ອຍ", "ຮັກ", "ພາສາ", "ລາວ"],
    "Khmer": ["ខ្ញុំ", "ទៅ", "ផ្សារ"],
    "Burmese": ["ကျွန်တော်", "မြန်မာ", "စာ", "ကို", "ချစ်", "တယ်"],
}


@pytest.mark.parametrize("words", SENTENCES.values(), ids=SENTENCES)
def test_scripts_without_blanks(words):
    assert count_words("".join(words)) == len(words)
    assert count_words(f"{''.join(words)}。 {''.join(words)}!") == 2 * len(words)  # punctuation is no word
    assert count_words(f"a dog, {''.join(words)} dog") == len(words) + 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        (" \n\u3000", 0),
        ("a co-op's rules, 3.14 %", 5),
        ("나는 개를 좋아한다", 3),
        ("con chó nâu", 3),
        ("\u202eשלם עולם", 2),
        ("\0 👍🏽", 2),
    ],
)
def test_scripts_with_blanks_are_split_at_them(text, expected):
    assert count_words(text) == expected == len(text.split())


def test_of_a_book_the_beginning_is_counted():
    """No clock: the count is that of the beginning, in proportion."""
    words = SENTENCES["Chinese"]
    book = "".join(words) * 200_000
    assert count_words(book) == pytest.approx(len(words) * 200_000, rel=1e-3)
