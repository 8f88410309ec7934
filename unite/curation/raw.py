"""A raw row: what a recipe makes of one record of a raw collection, before anything is opened.

    annotation file, folder, tar  ->  Recipe  ->  RawRow  ->  steps, media  ->  Row in a shard

Media are named by path or carried as bytes, never decoded here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from unite.errors import SkippedRowError
from unite.media.ready import RawMedium
from unite.types import Modality, modality_of

#: Why a file of a collection is left out that is no record: a link, a hidden file. It is counted and named, but is no fault of the records.
NO_SAMPLE = "of no sample"


@dataclass(frozen=True)
class RawContent:
    """A `Content` whose media are not opened yet; the fields mean the same. Raises SkippedRowError if a text is no Unicode."""

    text: str = ""
    media: tuple[RawMedium, ...] = ()
    instruction: str = ""
    group: str = ""

    def __post_init__(self) -> None:
        for text in (self.text, self.instruction, self.group):
            try:
                text.encode()
            except UnicodeEncodeError as error:  # half of a surrogate pair, from a caption cut in JSON: no tokenizer takes it
                raise SkippedRowError("not UTF-8", f"{text[:60]!a}: {error.reason}") from error

    @property
    def modality(self) -> Modality:
        """As of `Content`."""
        return modality_of(self.text, (medium.modality for medium in self.media))


@dataclass(frozen=True)
class RawRow:
    """One training row of a raw collection.

    Attributes:
        key: unique in its recipe, without dot or slash.
        query, positives, negatives: as in `Example`.
        licence: under which it may be used; the recipe's own where a record names none.
        metadata: what else the record says (url, id, score): kept beside the shard.
    """

    key: str
    query: RawContent
    positives: tuple[RawContent, ...]
    negatives: tuple[RawContent, ...] = ()
    licence: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def contents(self) -> tuple[RawContent, ...]:
        """Query, positives and negatives."""
        return (self.query, *self.positives, *self.negatives)


class Recipe(Protocol):
    """Reads one raw format: a sequence of rows in an order of its own that never changes.

    Rows are reached by position, so that a collection can be cut into parts that are read in parallel and in any order. A recipe can be
    sent to another process; it opens its files where it reads them.
    """

    @property
    def name(self) -> str:
        """What the source is called: the folder its shards go to."""
        ...

    def __len__(self) -> int:
        """Returns the number of records."""
        ...

    def read(self, index: int) -> RawRow:
        """Returns the row of the record at a position in 0..len-1. Raises SkippedRowError if there is none to be made."""
        ...

    def fingerprint(self) -> str:
        """Returns a digest that changes when the annotations do (media are not read for it)."""
        ...
