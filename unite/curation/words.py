"""Counts words as their language writes them.

    scripts with blanks       what stands between blanks: `a co-op's rules` are 3
    scripts without           the words that ICU finds by its dictionaries and models, punctuation left out: 一只 | 棕色 | 的 | 狗 are 4

Without blanks are written Chinese, Japanese, Thai, Lao, Khmer and Burmese. ICU's word boundaries are those of Unicode's UAX #29, which
leaves these scripts to dictionaries.
"""

from __future__ import annotations

import re

from icu4py.breakers import WordBreaker

#: Han, kana, Thai, Lao, Burmese and Khmer letters.
_WITHOUT_BLANKS = re.compile(
    "[\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303b\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\uff66-\uff9f\U00020000-\U0003ffff\u0e00-\u0eff\u1000-\u109f\uaa60-\uaa7f\ua9e0-\ua9ff\u1780-\u17ff\u19e0-\u19ff]"
)

#: Characters of a text in such a script that ICU sees; a longer one has as many words a character in all: a book would take half a minute.
_COUNTED = 100_000


def count_words(text: str) -> int:
    """Returns the number of words of a text in any language, or in several."""
    if text.isascii() or _WITHOUT_BLANKS.search(text) is None:
        return len(text.split())
    if len(text) > _COUNTED:
        return round(count_words(text[:_COUNTED]) * len(text) / _COUNTED)
    return sum(_count_in(part) for part in text.split())


def _count_in(part: str) -> int:
    """Returns the number of words of what stands between two blanks."""
    if _WITHOUT_BLANKS.search(part) is None:
        return 1
    words = WordBreaker(part, "en")  # its dictionaries go by the script, not by the locale
    return sum(word.isalnum() or any(map(str.isalnum, word)) for word in words)
