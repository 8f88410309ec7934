"""What is asked of a stored corpus, and what it answers: the words that the index, the page and the API share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from unite.errors import DataError, must_be
from unite.types import MEDIA, Modality


@dataclass(frozen=True)
class QueryPart:
    """A part of a query: something like this, or, of a negative weight, not like this.

    Attributes:
        item: a text, a medium or a mix of them, as `unite.embedding.items.Item`.
        weight: of its embedding in the query's; below 0 it pushes away.
        vector: its embedding, (D,) of unit length, where it is made already: many queries' parts are embedded together. The item is then
            not read.

    Raises:
        DataError: if the weight is 0 or not finite.
    """

    item: Any
    weight: float = 1.0
    vector: Any = None

    def __post_init__(self) -> None:
        if not 0 < abs(self.weight) < float("inf"):
            raise DataError(must_be("the weight of a query's part", "a number other than 0 (below 0 is: not like this)", self.weight))


@dataclass(frozen=True)
class Search:
    """One search.

    Attributes:
        parts: what is looked for by meaning; empty where only `words` or `like` ask.
        like: the ids of rows of the corpus whose vectors are parts too (more like this); they are not among the hits.
        words: looked for in the rows' texts (full text). With `parts` or `like`, both rankings are fused.
        where: a filter on the metadata, in SQL as LanceDB reads it (`price < 5 AND kind = 'bird'`); "" is none.
        modalities: of the rows that may be hits, as `str(Modality)`; empty is all.
        k: how many hits at most.
        offset: how many of the best are passed over, for the next page.

    Raises:
        DataError: if nothing is asked, k is below 1 or the offset below 0.
    """

    parts: Sequence[QueryPart] = ()
    like: Sequence[str] = ()
    words: str = ""
    where: str = ""
    modalities: Sequence[str] = ()
    k: int = 10
    offset: int = 0

    def __post_init__(self) -> None:
        if not (self.parts or self.like or self.words.strip()):
            raise DataError(must_be("a search", "for something: parts, like or words", "for nothing"))
        if self.k < 1 or self.offset < 0:
            raise DataError(must_be("k and offset", "at least 1 and 0", (self.k, self.offset)))


@dataclass(frozen=True)
class Hit:
    """A row of the corpus that was found.

    Attributes:
        id: of the row, unique in the corpus.
        score: cosine similarity to the query's embedding in [-1, 1]; where words are searched too, that of the fused ranking.
        source: where the content lies: a file's path, or `shard.tar#key`, `table.parquet#row`.
        modality: as `str(Modality)`: `text`, `image`, `text+image`, ...
        text: its text, "" where it has none.
        metadata: what else the row says, by column.
        thumbnail: a little JPEG of its media; None of a text.
    """

    id: str
    score: float
    source: str
    modality: str
    text: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    thumbnail: bytes | None = None

    @property
    def medium(self) -> Modality | None:
        """What its first medium is: images come before videos; None of a text."""
        kinds = self.modality.split("+")
        return next((kind for kind in MEDIA if str(kind) in kinds), None)


class Searching(Protocol):
    """What the page and the API ask: a stored corpus with the encoder that made it.

    A server embeds and searches from one thread; it asks for rows and media from several at once.
    """

    @property
    def name(self) -> str:
        """What a person calls it: the label of its encoder."""
        ...

    @property
    def num_rows(self) -> int:
        """Rows of the corpus."""
        ...

    @property
    def modalities(self) -> Sequence[str]:
        """Those that the corpus has, as `str(Modality)`."""
        ...

    @property
    def columns(self) -> Mapping[str, str]:
        """The metadata's columns and their types (`string`, `int64`, `double`, `bool`), for filters."""
        ...

    def search(self, search: Search) -> list[Hit]:
        """Returns the hits, best first.

        Raises:
            DataError: if an item cannot be embedded, a filter not read, or no row has an id of `like`.
        """
        ...

    def embed(self, items: Sequence[Any]) -> Any:
        """Returns (N, D) float32 unit embeddings of items."""
        ...

    def row(self, id: str) -> Hit:
        """Returns a row by its id, with score 1. Raises DataError if there is none."""
        ...

    def media(self, id: str) -> tuple[bytes, str] | None:
        """Returns the bytes of a row's first medium and its MIME type, read from its source; None where it has none or it is gone.

        Raises:
            DataError: if there is no such row.
        """
        ...
