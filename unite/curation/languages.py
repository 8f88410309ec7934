"""Which languages and scripts the texts of a source are in, told from a sample of its rows.

A caption of three words tells its language badly; hundreds together tell well in which languages they are. So the shares are those under
which the probabilities that py3langid (see `unite.curation.steps.language`) gives for all texts agree with one another: "Adjusting the
outputs of a classifier to new a priori probabilities" (Saerens, Latinne and Decaestecker, Neural Computation 2002), by expectation
maximisation, from equal shares on. The script of a text is that of most of its letters, by their names in Unicode.

Shapes: N texts, L languages.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from unite.curation.signatures import normalise

#: Rows of a source that are looked at.
NUM_ROWS = 250
NO_LETTERS = "no letters"
#: A share below it is not told: it is within the error.
_LEAST = 0.005
_NUM_ROUNDS, _SETTLED = 200, 1e-5
#: Letters of a text whose names are looked up, and what a script is called where Unicode's names begin with something else.
_NUM_LETTERS = 64
_CALLED = {"Cjk": "Han"}


def is_sampled(at: int, num_rows: int) -> bool:
    """Whether the row at a place among `num_rows` is looked at: all, or so many, evenly."""
    return num_rows <= NUM_ROWS or at * NUM_ROWS // num_rows != (at - 1) * NUM_ROWS // num_rows


def languages_of(texts: Iterable[str]) -> dict[str, Any]:
    """Returns how many texts were looked at, and the shares of languages (ISO 639-1 codes) and scripts among them, largest first."""
    texts = [text for text in map(normalise, texts) if text]
    scripts = Counter(map(script_of, texts))
    written = [text for text in texts if script_of(text) != NO_LETTERS]
    counts = {name: share * len(written) for name, share in language_shares(written).items()} | {NO_LETTERS: scripts[NO_LETTERS]}
    return {"texts": len(texts), "languages": _shares(counts, len(texts)), "scripts": _shares(scripts, len(texts))}


def language_shares(texts: Sequence[str]) -> dict[str, float]:
    """Returns the share of each language among texts that hold letters; none of none."""
    if not texts:
        return {}
    from unite.curation.steps.language import identifier  # its model takes half a second to load

    names = sorted(identifier().labels)
    known = (dict(identifier().rank(text)) for text in texts)
    likely = np.array([[found[name] for name in names] for found in known], np.float64)  # (N, L)
    shares = np.full(len(names), 1 / len(names))
    for _ in range(_NUM_ROUNDS):
        each = likely * shares
        before, shares = shares, (each / each.sum(axis=1, keepdims=True)).mean(axis=0)
        if np.abs(shares - before).max() < _SETTLED:
            break
    return dict(zip(names, shares.tolist(), strict=True))


def script_of(text: str) -> str:
    """Returns the script of most letters of a text: `Latin`, `Han`, `Cyrillic`."""
    letters = [letter for letter in text if letter.isalpha()][:_NUM_LETTERS]
    names = Counter(unicodedata.name(letter, "unknown").split()[0].capitalize() for letter in letters)
    script = min(names, key=lambda name: (-names[name], name), default=NO_LETTERS)
    return _CALLED.get(script, script)


def _shares(counts: Mapping[str, float], total: int) -> dict[str, float]:
    found = {name: count / total for name, count in counts.items() if count >= _LEAST * total and count}
    return {name: round(share, 3) for name, share in sorted(found.items(), key=lambda item: (-round(item[1], 3), item[0]))}
