"""Leaves out rows in a language that is not asked for.

py3langid (97 languages, an n-gram classifier of 4.5 MB inside the package) works offline, at about 0.1 ms a text. On a few words it
guesses: texts below `min_characters` are not judged. Of a long text the beginning is read. A text is as surely of another language as all
languages together are likely that are not wanted: one in Hindi may be Marathi or Nepali as well, and is surely no English.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from unite.curation.loaded import LoadedRow
from unite.curation.signatures import normalise
from unite.curation.steps.step import Drop
from unite.errors import ConfigError, must_be, must_be_one_of

#: Characters of a text that are read: a book of 10 MB took half a minute, and its first pages tell its language.
_READ = 10_000


@dataclass(frozen=True)
class Language:
    """Judges the text of query and positives.

    Attributes:
        languages: those that stay, as ISO 639-1 codes.
        min_characters: a shorter text stays whatever it seems to be.
        min_probability: a text that is less surely of another language (all but those wanted together) stays.
    """

    languages: Sequence[str] = ("en",)
    min_characters: int = 20
    min_probability: float = 0.99
    name: str = "language"

    def __post_init__(self) -> None:
        known = set(identifier().labels)
        for language in self.languages:
            if language not in known:
                raise ConfigError(must_be_one_of(f"{self.name}.languages", known, language))
        if not self.languages:
            raise ConfigError(must_be(f"{self.name}.languages", "at least one code", "empty"))
        if not 0 <= self.min_probability <= 1:
            raise ConfigError(must_be(f"{self.name}.min_probability", "from 0 to 1", self.min_probability))

    def judge_row(self, row: LoadedRow) -> Drop | None:
        """Returns the first text of another language: the likeliest, and the probability of all that are not wanted."""
        for content in (row.query, *row.positives):
            text = normalise(content.text)[:_READ]
            if len(text) < self.min_characters:
                continue
            likely = identifier().rank(text)  # most likely first
            language, _ = likely[0]
            probability = 1 - float(sum(each for other, each in likely if other in self.languages))
            if language not in self.languages and probability >= self.min_probability:
                return Drop("other language", f"likely {language}, not wanted ({probability:.3f}): {text[:60]}")
        return None


@cache
def identifier() -> Any:
    """Returns the classifier, loaded once a process."""
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
