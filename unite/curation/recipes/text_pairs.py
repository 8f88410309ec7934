"""Text pairs and triplets in sentence-transformers' layout: columns in the order anchor, positive, negatives.

    anchor, positive                                  pairs        (natural-questions: query, answer)
    anchor, positive, negative                        triplets     (all-nli)
    query, positive, negative_1, ..., negative_n      n negatives  (msmarco, mined)

sentence-transformers goes by the order of the columns, not their names; so does this, unless they are named. A negative column may hold a
list. The layout is as sentence-transformers' documentation gives it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from unite.curation.raw import RawContent, RawRow
from unite.curation.recipes.lines import Record
from unite.curation.recipes.tabular_recipe import TabularRecipe, content, needed, rest_of
from unite.errors import DataError, must_be


class TextPairs(TabularRecipe):
    """Rows from a table of texts.

    Args:
        name, annotations, licence: as in `TabularRecipe`.
        anchor, positive: columns; the first and second by default.
        negatives: columns; by default all further ones whose name begins with `negative`.
        instruction: of the query.
    """

    def __init__(
        self,
        name: str,
        annotations: str | Path,
        *,
        anchor: str = "",
        positive: str = "",
        negatives: Sequence[str] | None = None,
        instruction: str = "",
        licence: str = "",
    ) -> None:
        super().__init__(
            name, annotations, columns=[column for column in (anchor, positive, *(negatives or ())) if column], licence=licence
        )
        found = self.table.columns
        if len(found) < 2:
            raise DataError(must_be(f"the columns of {self.table.path}", "at least two, anchor and positive", found))
        self.anchor, self.positive = anchor or found[0], positive or found[1]
        self.negatives = [name for name in found[2:] if name.startswith("negative")] if negatives is None else list(negatives)
        self.instruction = instruction

    def row(self, key: str, record: Record) -> RawRow:
        """Anchor to positive, with the negatives that hold text."""
        query = content(needed(record, self.anchor), instruction=self.instruction)
        positives = _contents(record.get(self.positive)) or (content(needed(record, self.positive)),)
        negatives = tuple(one for column in self.negatives for one in _contents(record.get(column)))
        metadata = rest_of(record, (self.anchor, self.positive, *self.negatives))
        return RawRow(key, query, positives, negatives, self.licence, metadata)


def _contents(value: object) -> tuple[RawContent, ...]:
    texts = value if isinstance(value, list) else [value]
    return tuple(content(text.strip()) for text in texts if isinstance(text, str) and text.strip())
