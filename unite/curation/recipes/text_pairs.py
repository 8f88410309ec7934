"""Text pairs and triplets in sentence-transformers' layout, by the names of the columns.

    anchor, positive                                  pairs        (natural-questions: query, answer)
    anchor, positive, negative                        triplets     (all-nli)
    query, positive, negative_1, ..., negative_n      n negatives  (msmarco, mined)
    query, pos, neg                                   lists        (FlagEmbedding)

sentence-transformers goes by the order of the columns; but a table may begin with an index or an id, so here the names say which is which
(`unite.curation.recipes.pair_columns`), and where they do not, the options must. A positive and a negative may be a list of texts. The
layouts are as the documentation of the two gives them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from unite.curation.raw import RawContent, RawRow
from unite.curation.recipes.lines import Record
from unite.curation.recipes.pair_columns import find_negatives, find_pair, negatives_among
from unite.curation.recipes.tabular_recipe import TabularRecipe, content, field_of, needed, rest_of, text_of
from unite.errors import SkippedRowError


class TextPairs(TabularRecipe):
    """Rows from a table of texts.

    Args:
        name, annotations, licence: as in `TabularRecipe`.
        anchor, positive: columns, `a.b` for field b of the object in column a; "" goes by the names (anchor, query, question ...
            positive, answer ...).
        negatives: columns; by default negative, negative_1, hard_negative, neg and the like.
        instruction: of the query.

    Raises:
        DataError: if the names leave doubt.
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
        columns_named = [("anchor", anchor), ("positive", positive), *(("negatives", column) for column in negatives or ())]
        super().__init__(name, annotations, columns=columns_named, licence=licence)
        where, columns = str(self.table.path), [column for column in self.table.columns if "." not in column]
        self.anchor, self.positive = find_pair(name, where, columns, anchor, positive)
        # Of a JSON Lines file, which names its fields anew in each record, others may come later.
        self.negatives = None if negatives is None else list(negatives)
        if negatives is None:
            find_negatives(name, where, columns)
        self.instruction = instruction

    def row(self, key: str, record: Record) -> RawRow:
        """Anchor to positive, with the negatives that hold text."""
        query = content(needed(record, self.anchor), instruction=self.instruction)
        positives = _contents(record, self.positive)
        if not positives:
            raise SkippedRowError("empty field", f"{self.positive} is empty")
        columns = negatives_among(record) if self.negatives is None else self.negatives
        used = [column for column in columns if column not in (self.anchor, self.positive)]
        negatives = tuple(one for column in used for one in _contents(record, column))
        return RawRow(key, query, positives, negatives, self.licence, rest_of(record, (self.anchor, self.positive, *used)))


def _contents(record: Record, column: str) -> tuple[RawContent, ...]:
    """Returns the texts of a field, which may be a list. Raises SkippedRowError if one is no text."""
    value = field_of(record, column)
    texts = (text_of({column: one}, column) for one in (value if isinstance(value, list) else [value]))
    return tuple(content(text) for text in texts if text)
