"""The examples of a datasheet as they are laid out: each step's beside its numbers in the funnel, and how much room a row takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from unite.curation.datasheet_funnel import funnel_steps
from unite.curation.examples import Example, SourceExamples
from unite.media.preview import WIDE, cut

#: Letters of what is so of a row.
_NUM_LETTERS = 120


@dataclass(frozen=True)
class ShownStep:
    """A step that left rows of a source out: its numbers, as of `datasheet_funnel.Step`, and the rows to look at."""

    name: str
    came: int
    left: int
    reasons: tuple[tuple[str, int], ...]
    dropped: tuple[Example, ...]
    kept: tuple[Example, ...]


@dataclass(frozen=True)
class ShownSource:
    """The rows to look at of a source."""

    name: str
    came: int
    left: int
    steps: tuple[ShownStep, ...]
    kept: tuple[Example, ...]


def shown_sources(sources: Mapping[str, Mapping[str, Any]], examples: Iterable[SourceExamples]) -> list[ShownSource]:
    """Returns the examples with the numbers of the sheet's `sources`."""
    shown = []
    for found in examples:
        source = sources[found.source]
        funnel = {fields["step"]: step for fields, step in zip(source["funnel"], funnel_steps(source["funnel"]), strict=True)}
        steps = (
            ShownStep(step.name, step.came, step.left, step.reasons, one.dropped, one.kept)
            for one in found.steps
            for step in (funnel[one.step],)
        )
        shown.append(ShownSource(found.source, source["in"], source["out"], tuple(steps), found.kept))
    return shown


def is_wide(example: Example) -> bool:
    """Whether a row takes the room of two: a strip of frames, or texts alone."""
    pictures = [modality for side in example.sides for modality, _ in side.preview.pictures]
    return not (pictures or any(side.broken for side in example.sides)) or any(modality in WIDE for modality in pictures)


def short_detail(detail: str) -> str:
    """Returns what is so of a row, cut; of a path only its end, which tells files apart."""
    words = (word.rpartition("/")[2] if len(word) > 24 and word.count("/") > 1 else word for word in detail.split(" "))
    return cut(" ".join(words), _NUM_LETTERS)
