"""Rows to look at, for the page of a datasheet: what each step left out of each source and why, beside what it let through.

A row that was left out before it was stored is read again from its collection; others are shown as they are stored. What a row repeats
stands beside it. Media that cannot be opened are told, and nothing here ends a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any

import numpy as np

from unite.config.schema.media import Decoding, MediaPolicy
from unite.curation.chosen import Chosen, Line, spread
from unite.curation.decide import AllRows, Decision
from unite.curation.loaded import LoadedContent, LoadMedium, medium_loader
from unite.curation.raw import Recipe
from unite.curation.records import files_of
from unite.curation.steps.step import Step
from unite.data.decode import decode_medium
from unite.data.rows import StoredContent, StoredMedium
from unite.errors import DataError, SkippedRowError
from unite.media.preview import NUM_MEDIA, Preview, preview
from unite.types import Content, Medium

#: Kept rows beside those that a step left out, and of a source of which none was.
_BESIDE, _ALONE = 2, 6
#: Sources that are shown.
_NUM_SOURCES = 24
#: A video that was too slow once is not waited for again.
_DEADLINE = 20.0


@dataclass(frozen=True)
class Shown:
    """One side of a row, small, and why media of it cannot be shown."""

    preview: Preview
    broken: tuple[str, ...] = ()


@dataclass(frozen=True)
class Example:
    """A row to look at.

    Attributes:
        key: which.
        file: of its first medium, the name alone.
        sides: query and positive; none of a record that no row could be made of.
        reason, detail: why it was left out; "" of a row that was kept.
        fields: of a record that no row could be made of.
        like: the name of what it repeats.
        twin: its query and positive.
    """

    key: str
    sides: tuple[Shown, ...] = ()
    file: str = ""
    reason: str = ""
    detail: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    like: str = ""
    twin: tuple[Shown, ...] = ()


@dataclass(frozen=True)
class StepExamples:
    """What a step left out of a source, and what it let through; what a row repeats needs no other beside it."""

    step: str
    dropped: tuple[Example, ...]
    kept: tuple[Example, ...]


@dataclass(frozen=True)
class SourceExamples:
    """The steps that left rows of a source out; and rows that were kept, where none did."""

    source: str
    steps: tuple[StepExamples, ...]
    kept: tuple[Example, ...]


def make_examples(
    chosen: Chosen,
    order: Sequence[str],
    recipes: Sequence[Recipe],
    steps: Sequence[Step],
    rows: AllRows,
    decision: Decision,
    policy: MediaPolicy,
) -> tuple[SourceExamples, ...]:
    """Makes the examples of every source, or of the first 24.

    Args:
        chosen: of all lines of skipped.jsonl.
        order: the names of the steps, reading and media among them.
        recipes: which rows are read from again.
        steps: which may know what they name.
        rows, decision: of the set.
        policy: of the media.
    """
    policy = replace(policy, deadline_seconds=min(policy.deadline_seconds, _DEADLINE))
    of_recipe = np.array([part.recipe for part in rows.parts], np.int64)
    owner = of_recipe[np.searchsorted(rows.starts, np.array(decision.kept, np.int64), side="right") - 1]
    kept = np.array(decision.kept, np.int64)
    made = []
    for number, recipe in enumerate(recipes[:_NUM_SOURCES]):
        cells = {step: lines for step in order if (lines := chosen.of(recipe.name, step))}
        alone = [step for step, lines in cells.items() if not any(line.get("like") for line in lines)]
        contents = _named(steps, cells)
        load = medium_loader(policy)
        # In the order of the records: a reader that holds a block of them reads it once.
        by_record = sorted((line for lines in cells.values() for line in lines), key=lambda line: line["record"])
        examples = {id(line): _dropped(line, recipe, load, rows, contents) for line in by_record}
        own = spread(kept[owner == number].tolist(), _BESIDE * len(alone) if cells else _ALONE)
        beside = [_kept(rows, row) for row in own]
        made.append(
            SourceExamples(
                recipe.name,
                tuple(
                    StepExamples(
                        step,
                        tuple(examples[id(line)] for line in lines),
                        tuple(beside[alone.index(step) :: len(alone)]) if step in alone else (),
                    )
                    for step, lines in cells.items()
                ),
                () if cells else tuple(beside),
            )
        )
    return tuple(made)


def _dropped(
    line: Line, recipe: Recipe, load: LoadMedium, rows: AllRows, contents: Mapping[tuple[str, str], Sequence[StoredContent]]
) -> Example:
    example = Example(
        line["key"],
        file=_name(line.get("files", ())),
        reason=line["reason"],
        detail=line["detail"],
        fields=line.get("fields", {}),
        like=line.get("like", ""),
    )
    if "row" not in line:
        return replace(example, sides=_read_again(recipe, line["record"], load))
    twin = _stored(rows, line["like_row"]) if "like_row" in line else ()
    named = contents.get((line["step"], example.like), ())
    return replace(example, sides=_stored(rows, line["row"]), twin=twin or tuple(map(_shown, named)))


def _kept(rows: AllRows, row: int) -> Example:
    line = rows.line(row)
    return Example(line["key"], _stored(rows, row), _name(files_of(line)))


def _name(files: Sequence[str]) -> str:
    return PurePath(files[0]).name if files else ""


def _read_again(recipe: Recipe, record: int, load: LoadMedium) -> tuple[Shown, ...]:
    """Returns the query and positive of a record of a collection; none where no row can be made of it."""
    try:
        raw = recipe.read(record)
    except (DataError, OSError):
        return ()
    return tuple(_loaded(LoadedContent(content, load)) for content in (raw.query, raw.positives[0]))


def _loaded(content: LoadedContent) -> Shown:
    media: list[StoredMedium] = []
    broken: list[str] = []
    for medium in content.media[:NUM_MEDIA]:
        try:
            media.append(StoredMedium(medium.modality, medium.ready.data, medium.ready.extension))
        except SkippedRowError as error:
            broken.append(error.reason)
    return _shown(StoredContent(content.text, tuple(media), content.instruction), broken)


def _stored(rows: AllRows, row: int) -> tuple[Shown, ...]:
    found = rows.read(row)
    return _shown(found.query), _shown(found.positives[0])


def _shown(content: StoredContent, broken: Iterable[str] = ()) -> Shown:
    media: list[Medium] = []
    broken = list(broken)
    for medium in content.media[:NUM_MEDIA]:
        try:
            media.append(decode_medium(medium, Decoding()))
        except DataError:
            broken.append(f"{medium.modality} that is not decoded here")
    return Shown(preview(Content(content.text, tuple(media), content.instruction)), tuple(broken))


def _named(steps: Sequence[Step], cells: Mapping[str, Sequence[Line]]) -> dict[tuple[str, str], Sequence[StoredContent]]:
    """Returns (step, name) -> contents, of what the lines are like that is no row of the set."""
    found: dict[tuple[str, str], Sequence[StoredContent]] = {}
    for step in steps:
        names = {line["like"] for line in cells.get(step.name, ()) if line.get("like") and "like_row" not in line}
        ask: Any = getattr(step, "named", None)
        if names and ask is not None:
            found |= {(step.name, name): contents for name, contents in ask(names).items()}
    return found
