"""One part of the work: some consecutive records of one recipe, read, judged by the row-wise steps and made ready.

A part's folder appears under its name when it is whole, and what is in it depends on nothing but the plan, so parts can be done in any
order, by any process, and again after a kill.

    parts/000012/
      shard-000000.tar     rows that are still in, media ready
      signatures.npz       of the same rows
      rows.jsonl           a line each
      skipped.jsonl        rows left out
      funnel.json          counts
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unite.config.schema.media import MediaPolicy
from unite.curation.loaded import LoadedRow, medium_loader
from unite.curation.raw import Recipe
from unite.curation.records import MEDIA, READ, Funnel, Skipped, describe_row
from unite.curation.signatures import SideSignature, Signatures, sign_row
from unite.curation.steps.step import RowStep
from unite.data.shards import ShardReader, ShardWriter
from unite.errors import SkippedRowError
from unite.files import read_json, to_line, whole_folder, write_json, write_lines, write_raw_lines

#: Changes where parts do, so that a run is not gone on with by a version that makes others.
LAYOUT = 3


@dataclass(frozen=True)
class Part:
    """Records start..stop of a recipe, and where the result lies."""

    recipe: int
    start: int
    stop: int
    folder: Path

    @property
    def is_done(self) -> bool:
        """Whether its result is there, whole."""
        return self.folder.is_dir()

    def signatures(self) -> Signatures:
        """Returns the signatures of the rows that are in."""
        return Signatures.load(self.folder / "signatures.npz")

    def funnel(self) -> Funnel:
        """Returns the counts."""
        return Funnel.from_json(read_json(self.folder / "funnel.json"))

    def reader(self) -> ShardReader:
        """Opens the rows."""
        return ShardReader([self.folder / "shard-000000.tar"])


def cut(recipes: Sequence[Recipe], rows_per_part: int, folder: Path) -> list[Part]:
    """Cuts the recipes, one after the other, into parts of at most `rows_per_part` records."""
    ranges = [(index, start) for index, recipe in enumerate(recipes) for start in range(0, len(recipe), rows_per_part)]
    return [
        Part(index, start, min(start + rows_per_part, len(recipes[index])), folder / f"{number:06d}")
        for number, (index, start) in enumerate(ranges)
    ]


@dataclass(frozen=True)
class PartTask:
    """Does a part; can be sent to another process.

    Attributes:
        recipes, steps, media: of the curation.
        parts: all of them.
        columns: of the signatures, those that a set-wise step looks at.
        prefixes: of the recipes, see `key_prefix`.
    """

    recipes: Sequence[Recipe]
    steps: Sequence[RowStep]
    media: MediaPolicy
    parts: Sequence[Part]
    columns: frozenset[str]
    prefixes: Sequence[str]

    def __call__(self, number: int) -> int:
        """Does the part of that number, unless its result is there. Returns its number of records."""
        part = self.parts[number]
        if not part.is_done:
            with whole_folder(part.folder, existing="keep") as partial:
                self._fill(part, partial)
        return part.stop - part.start

    def _fill(self, part: Part, folder: Path) -> None:
        recipe, load = self.recipes[part.recipe], medium_loader(self.media)
        funnel = Funnel(part.stop - part.start)
        skipped: list[Skipped] = []
        lines: list[bytes] = []
        signatures: list[tuple[SideSignature, SideSignature]] = []
        with ShardWriter(folder, samples_per_shard=max(funnel.num_rows, 1)) as writer:
            for position in range(part.start, part.stop):
                key, step, raw = f"{position:09d}", READ, None
                try:
                    raw = recipe.read(position)
                    key, row = raw.key, LoadedRow(raw, load)
                    judged = self._judge(row)
                    if judged is not None:
                        skipped.append(Skipped.of(recipe.name, key, position, judged, raw))
                        continue
                    step = MEDIA
                    stored = row.store(f"{self.prefixes[part.recipe]}-{raw.key}")
                    writer.write(stored)
                    signatures.append(sign_row(stored, [row.query.looks(), row.positives[0].looks()], self.columns))
                    lines.append(to_line(describe_row(recipe.name, position, row)))
                except SkippedRowError as error:
                    why = (step, error.reason, error.detail)
                    skipped.append(Skipped.of(recipe.name, key, position, why, raw or error.fields))
                except Exception as error:
                    error.add_note(f"It was raised at record {position} of source {recipe.name}.")
                    raise
        for left_out in skipped:
            funnel.count(left_out)
        Signatures.of(signatures, self.columns).save(folder / "signatures.npz")
        write_raw_lines(folder / "rows.jsonl", lines)
        write_lines(folder / "skipped.jsonl", (left_out.line() for left_out in skipped))
        write_json(folder / "funnel.json", funnel.to_json())

    def _judge(self, row: LoadedRow) -> tuple[str, str, str] | None:
        """Returns (step, reason, detail) of the first step that leaves the row out; what cannot be opened is counted under `media`."""
        for step in self.steps:
            try:
                drop = step.judge_row(row)
            except SkippedRowError as error:
                return MEDIA, error.reason, error.detail
            if drop is not None:
                return step.name, drop.reason, drop.detail
        return None
