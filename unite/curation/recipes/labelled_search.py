"""Verdicts from the search page as training rows: the right hits of a query are its positives, the wrong ones its hard negatives.

The file is that of `unite.data.labels`. A wrong hit is one that the encoder ranked high and a person refused: harder, and surer, than
what is mined. A query without a right hit, and one of several weighted parts, makes no row.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from unite.curation.raw import RawContent, RawRow
from unite.curation.recipes.annotation_files import fingerprint_files
from unite.curation.recipes.tabular_recipe import content
from unite.data.labels import LabelledContent, LabelledQuery, read_labels
from unite.errors import SkippedRowError
from unite.media.ready import RawMedium


class LabelledSearch:
    """One row a query.

    Args:
        name, licence: as in `TabularRecipe`.
        labels: the file.
        instruction: of the query.

    Raises:
        DataError: if it is not there, or no file of labels.
    """

    def __init__(self, name: str, labels: str | Path, *, instruction: str = "", licence: str = "") -> None:
        self.name, self.labels, self.instruction, self.licence = name, Path(labels), instruction, licence
        # Before the file is read: verdicts that come in between make it another one for the next run, which then reads them.
        self._fingerprint = fingerprint_files([self.labels]) if self.labels.is_file() else ""
        _ = self._queries

    @cached_property
    def _queries(self) -> list[LabelledQuery]:
        return read_labels(self.labels)

    def __len__(self) -> int:
        return len(self._queries)

    def read(self, index: int) -> RawRow:
        """Returns a row. Raises SkippedRowError if the query has no right hit, or is of several parts."""
        query = self._queries[index]
        if query.content is None:
            raise SkippedRowError("several parts", f"{query.asked} is of several parts, or of what it shall not be like")
        if not query.right:
            raise SkippedRowError("no positive", f"no hit of {query.asked} was called right")
        positives = tuple(_raw(row) for row in query.right.values())
        negatives = tuple(_raw(row) for row in query.wrong.values() if row not in query.right.values())
        return RawRow(f"{index:09d}", _raw(query.content, self.instruction), positives, negatives, self.licence, {"asked": query.asked})

    def fingerprint(self) -> str:
        """Digests the file as it was read: people may go on judging."""
        return self._fingerprint


def _raw(labelled: LabelledContent, instruction: str = "") -> RawContent:
    return content(labelled.text, *(RawMedium(modality, str(path)) for modality, path in labelled.media), instruction=instruction)
