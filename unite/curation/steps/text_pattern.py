"""Leaves out rows whose text matches a pattern: labels of an alphabet, names of icon themes, boilerplate."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from unite.curation.loaded import LoadedRow
from unite.curation.signatures import normalise
from unite.curation.steps.step import Drop
from unite.errors import ConfigError, must_be


@dataclass(frozen=True)
class TextPattern:
    """Judges the text of query and positives; media without text are not asked.

    Attributes:
        patterns: regular expressions as of Python's `re`; a text that has one anywhere in it is left out. Case does not count.
    """

    patterns: Sequence[str]
    name: str = "text_pattern"
    _compiled: tuple[re.Pattern[str], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if isinstance(self.patterns, str) or not self.patterns:
            raise ConfigError(must_be(f"{self.name}.patterns", "a list of at least one regular expression", self.patterns))
        compiled = []
        for pattern in self.patterns:
            try:
                compiled.append(re.compile(pattern, re.IGNORECASE))
            except re.error as error:
                raise ConfigError(must_be(f"{self.name}.patterns", "regular expressions", f"{pattern} ({error})")) from error
        object.__setattr__(self, "_compiled", tuple(compiled))

    def judge_row(self, row: LoadedRow) -> Drop | None:
        """Returns the first text that matches, and what it matches."""
        for content in (row.query, *row.positives):
            text = normalise(content.text)
            for pattern in self._compiled if text else ():
                if found := pattern.search(text):
                    return Drop("text matches a pattern", f"{found[0]!r} of {pattern.pattern}")
        return None
