"""Which columns of a table are anchor, positive and negatives, by the names that are common in the field.

A pair read the wrong way round, or an index taken for a query, is seen by nobody. So what the names do not say is asked for: the error
lists the columns found and the option to set.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from unite.curation.recipes.table import listed
from unite.errors import DataError, must_be

#: Of one text each; the first says it outright and wins over the others.
ANCHORS = ("anchor", "query", "question", "sentence1", "text1", "caption1", "claim")
POSITIVES = ("positive", "positives", "pos", "answer", "response", "passage", "document", "evidence", "sentence2", "text2", "caption2")
#: These alone do not say that the second is an answer to the first: a label or a score beside them may say that it is none.
_EITHER = ("sentence2", "text2", "caption2", "passage", "document", "evidence")
_LABELS = ("label", "labels", "gold_label", "score", "scores", "similarity", "similarity_score", "is_duplicate", "relevance")
#: negative, negatives, negative_1, hard_negative, hard_negatives_2, neg
_NEGATIVE = re.compile(r"(hard_?)?neg(ative)?s?_?\d*")
_ABOUT_NEGATIVE = re.compile(r"(hard_?)?neg(ative)?s?_?\d*_(ids?|scores?|doc_?ids?)")
_LIKE_NEGATIVE = re.compile(r"(hard_?)?neg(ative)?(s?_|s?$)")


def find_pair(name: str, where: str, columns: Sequence[str], anchor: str, positive: str) -> tuple[str, str]:
    """Returns the columns of the anchor and the positive.

    Args:
        name: of the recipe, for errors.
        where: the table, likewise.
        columns: those found.
        anchor, positive: as set; "" goes by the names.

    Raises:
        DataError: if none or several columns could be meant, or a label beside them says that not all rows are pairs.
    """
    found_anchor = anchor or _the_one(name, where, columns, "anchor", ANCHORS, without=positive)
    found_positive = positive or _the_one(name, where, columns, "positive", POSITIVES, without=found_anchor)
    labels = [column for column in columns if _plain(column) in _LABELS]
    if labels and not positive and _plain(found_positive) in _EITHER:
        hint = f"Not every row may be a pair. Keep those that are; {name}.positive={found_positive} then takes every row as one."
        found = f"with {', '.join(labels)} among {listed(columns)}"
        raise DataError(must_be(f"the columns of {where}", "those of pairs, without a label or score", found, hint))
    return found_anchor, found_positive


def find_negatives(name: str, where: str, columns: Iterable[str]) -> tuple[str, ...]:
    """Returns the columns of negatives, in their order.

    Raises:
        DataError: if another begins like one.
    """
    negatives, doubtful = _negatives(tuple(columns))
    if doubtful:
        hint = f"The columns found are: {listed(columns)}. Set {name}.negatives=[...] to those that hold texts, or to []."
        raise DataError(must_be(f"the negatives of {where}", "named negative, negative_1, hard_negative, neg", ", ".join(doubtful), hint))
    return negatives


def negatives_among(columns: Iterable[str]) -> tuple[str, ...]:
    """Returns the columns of negatives, whatever else is there."""
    return _negatives(tuple(columns))[0]


@lru_cache
def _negatives(columns: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Returns the columns of negatives, and those that may be some."""
    plain = {column: _plain(column) for column in columns if "." not in column}
    negatives = tuple(column for column, name in plain.items() if _NEGATIVE.fullmatch(name))
    others = (column for column in plain if column not in negatives)
    doubtful = (column for column in others if _LIKE_NEGATIVE.match(plain[column]) and not _ABOUT_NEGATIVE.fullmatch(plain[column]))
    return negatives, tuple(doubtful)


def _the_one(name: str, where: str, columns: Sequence[str], side: str, known: Sequence[str], without: str) -> str:
    found = [column for column in columns if _plain(column) in known and column != without]
    outright = [column for column in found if _plain(column) == known[0]]
    found = outright or found
    if len(found) != 1:
        among = f"{' and '.join(found)} among {listed(columns)}" if found else listed(columns)
        hint = f"Set {name}.{side}=... to the column that is meant."
        raise DataError(must_be(f"the columns of {where}", f"such that one is the {side} ({', '.join(known)})", among, hint))
    return found[0]


def _plain(column: str) -> str:
    """Returns a name without what is written either way: Sentence_1 is sentence1, Hard-Negative is hard_negative."""
    name = re.sub(r"[\s-]+", "_", column.strip().lower())
    return re.sub(r"(?<=[a-z])_(?=\d+$)", "", name)
