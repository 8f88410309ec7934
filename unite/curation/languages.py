"""Which languages and scripts the texts of a source are in, told from a sample of its rows.

py3langid (see `unite.curation.steps.language`) names a language with a probability; below one half it is not told. The script of a text is
that of most of its letters, by their names in Unicode.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from typing import Any

from unite.curation.signatures import normalise

#: Rows of a source that are looked at.
NUM_ROWS = 500
UNSURE, NO_LETTERS = "not sure", "no letters"
_LEAST = 0.5
#: Letters of a text whose names are looked up, and what a script is called where Unicode's names begin with something else.
_NUM_LETTERS = 64
_CALLED = {"Cjk": "Han"}


def is_sampled(at: int, num_rows: int) -> bool:
    """Whether the row at a place among `num_rows` is looked at: all, or so many, evenly."""
    return num_rows <= NUM_ROWS or at * NUM_ROWS // num_rows != (at - 1) * NUM_ROWS // num_rows


def languages_of(texts: Iterable[str]) -> dict[str, Any]:
    """Returns how many texts were looked at, and how many are in each language (ISO 639-1) and script, most first."""
    from unite.curation.steps.language import identifier  # its model takes half a second to load

    languages: Counter[str] = Counter()
    scripts: Counter[str] = Counter()
    for text in map(normalise, texts):
        if not text:
            continue
        script = script_of(text)
        scripts[script] += 1
        language, probability = identifier().classify(text) if script != NO_LETTERS else (NO_LETTERS, 1.0)
        languages[language if probability >= _LEAST else UNSURE] += 1
    return {"texts": scripts.total(), "languages": _most_first(languages), "scripts": _most_first(scripts)}


def script_of(text: str) -> str:
    """Returns the script of most letters of a text: `Latin`, `Han`, `Cyrillic`."""
    letters = [letter for letter in text if letter.isalpha()][:_NUM_LETTERS]
    names = Counter(unicodedata.name(letter, "unknown").split()[0].capitalize() for letter in letters)
    script = min(names, key=lambda name: (-names[name], name), default=NO_LETTERS)
    return _CALLED.get(script, script)


def _most_first(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
