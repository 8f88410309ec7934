"""Leaves out rows whose texts are too short to tell anything or too long to be read whole."""

from __future__ import annotations

from dataclasses import dataclass

from unite.curation.loaded import LoadedRow
from unite.curation.signatures import normalise
from unite.curation.steps.step import Drop
from unite.curation.words import count_words
from unite.errors import ConfigError, must_be


@dataclass(frozen=True)
class TextLength:
    """Judges the text of query and positives; media without text are not asked.

    Attributes:
        min_words, max_words: words as the language writes them (`unite.curation.words`). A set of labels, answers or names is of one word.
        min_characters, max_characters: a word of Chinese has one or two.
    """

    min_words: int = 1
    max_words: int = 512
    min_characters: int = 1
    max_characters: int = 8192
    name: str = "text_length"

    def __post_init__(self) -> None:
        for unit in ("words", "characters"):
            least, most = getattr(self, f"min_{unit}"), getattr(self, f"max_{unit}")
            if not 0 <= least <= most:
                raise ConfigError(must_be(f"{self.name}.min_{unit}", f"from 0 to max_{unit} ({most})", least))

    def judge_row(self, row: LoadedRow) -> Drop | None:
        """Returns the first text that is out of bounds."""
        for content in (row.query, *row.positives):
            text = normalise(content.text)
            if not text:
                continue
            words = count_words(text)
            if words < self.min_words or len(text) < self.min_characters:
                return Drop("text too short", f"{words} words, {len(text)} characters")
            if words > self.max_words or len(text) > self.max_characters:
                return Drop("text too long", f"{words} words, {len(text)} characters")
        return None
