"""What passes leave and need, in bytes, over the contents of a step: those of a micro-batch, and the worst moment of a step.

    contents, the longest first   |---- replayed, a micro-batch at a time ----|---- graphs kept ----|      along the tokens of a step

A pass first runs the tower, then the language model, and goes back the other way round: what the tower needs for a moment and what the
language model leaves are never there together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from unite.planning.counted import Pass


class Kind(NamedTuple):
    """Contents of one length.

    Attributes:
        tokens: of one content.
        total: of all of them.
        tower: what their media take, all together; None without media.
    """

    tokens: int
    total: float
    tower: Pass | None


class Activations:
    """Bytes of a step's passes.

    Args:
        language: a pass through the language model, of which a token's share is taken.
        kinds: the contents of a step and rank.
        token_budget: tokens of a micro-batch.
        at_once: tokens that pass together where all graphs are kept; None is all of them, as on a GPU.
    """

    def __init__(self, language: Pass, kinds: Sequence[Kind], token_budget: int, at_once: int | None = None) -> None:
        self.kept, self.passing = language.kept / language.tokens, language.passing / language.tokens
        self.kinds = sorted(kinds, key=lambda kind: -kind.tokens)
        self.tokens = sum(kind.total for kind in kinds)
        self.token_budget = token_budget
        self.at_once = at_once or self.tokens

    def of_step(self, graph_tokens: float) -> float:
        """Returns the bytes of the worst moment, where the graphs of so many tokens, of the shortest contents, are kept."""
        if graph_tokens >= self.tokens:
            return self._kept(0, self.tokens) + max(self._beside(*part) for part in self._parts(0, self.tokens, self.at_once))
        first_kept = self.tokens - graph_tokens
        kept = self._kept(first_kept, self.tokens)
        of_kept = max(self._beside(*part) for part in self._parts(first_kept, self.tokens, self.token_budget))
        replayed = max(self._kept(*part) + self._beside(*part) for part in self._parts(0, first_kept, self.token_budget))
        return max(kept + of_kept, replayed)

    def _parts(self, begin: float, end: float, size: float) -> list[tuple[float, float]]:
        """Returns pieces of so many tokens; one that begins with longer contents is one content."""
        parts: list[tuple[float, float]] = []
        while begin < end:
            stop = min(end, begin + max(size, self._length_at(begin)))
            parts.append((begin, stop))
            begin = stop
        return parts

    def _length_at(self, place: float) -> int:
        for kind in self.kinds:
            place -= kind.total
            if place < 0:
                return kind.tokens
        return 1

    def _kept(self, begin: float, end: float) -> float:
        return (end - begin) * self.kept + self._of_towers(begin, end)[0]

    def _beside(self, begin: float, end: float) -> float:
        """Returns what a pass needs for a moment beside all that is kept, its own among it."""
        language = end - begin
        return max(language * self.passing, self._of_towers(begin, end)[1] - language * self.kept)

    def _of_towers(self, begin: float, end: float) -> tuple[float, float]:
        """Returns what the tower keeps and what it needs for a moment, over the media of these tokens."""
        kept = passing = place = 0.0
        for kind in self.kinds:
            here = max(0.0, min(end, place + kind.total) - max(begin, place))
            if kind.tower is not None and here:
                kept, passing = kept + kind.tower.kept * here / kind.total, passing + kind.tower.passing * here / kind.total
            place += kind.total
        return kept, passing
