"""What a page's address asks for, and back: so that a search can be bookmarked, sent to somebody, and gone back to.

    ?text=a red bird&weight=1&sign=plus&text=snow&sign=not&modality=image&column=price&operator=<&value=5&page=2

Parts of the query stand one after the other, each with its `text`, `upload` (a dropped medium, by its name in `unite.search.page.uploads`),
`weight` and `sign`; what is left out at the end of a list is as in a part by itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any
from urllib.parse import urlencode

from unite.errors import DataError, must_be
from unite.search.hits import QueryPart, Search
from unite.search.page.filters import Filter
from unite.search.server.uploads import Upload, item

#: The most that a part's weight may be.
MAX_WEIGHT = 10.0
#: Parts, filters, and rows to be like, each.
MAX_LISTED = 16
#: Bytes of an address: of longer ones browsers and servers take no more.
MAX_ADDRESS = 48_000
#: Pages that can be turned to.
MAX_PAGE = 1000
_SIGNS = ("plus", "not")


@dataclass(frozen=True)
class AskedPart:
    """A part of a query as the page has it.

    Attributes:
        text: what was typed.
        upload: the name of a dropped picture or clip, "" for none. With a text, the two are one item.
        weight: above 0.
        is_not: whether it pushes away.
    """

    text: str = ""
    upload: str = ""
    weight: float = 1.0
    is_not: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether it asks for nothing."""
        return not (self.text.strip() or self.upload)


@dataclass(frozen=True)
class Asked:
    """What a page asks for.

    Attributes:
        parts: of the query; empty ones may be among them, where a person has not typed yet.
        like: ids of rows to be like.
        words: to be found in texts.
        filters: on the metadata, all of which must hold; those without a column are left out.
        where: another condition, in SQL.
        modalities: of the hits; empty is all.
        page: from 1.

    Raises:
        DataError: if there are too many of something, or the page is out of reach.
    """

    parts: tuple[AskedPart, ...] = ()
    like: tuple[str, ...] = ()
    words: str = ""
    filters: tuple[Filter, ...] = ()
    where: str = ""
    modalities: tuple[str, ...] = ()
    page: int = 1

    def __post_init__(self) -> None:
        for name, several in (("parts of a query", self.parts), ("filters", self.filters), ("rows to be like", self.like)):
            if len(several) > MAX_LISTED:
                raise DataError(must_be(f"the number of {name}", f"at most {MAX_LISTED}", len(several)))
        if not 1 <= self.page <= MAX_PAGE:
            raise DataError(must_be("the page", f"from 1 to {MAX_PAGE}", self.page))

    @classmethod
    def of_fields(cls, fields: Iterable[tuple[str, str]]) -> Asked:
        """Reads the fields of a form or of an address. Raises DataError if a number is none."""
        lists: dict[str, list[str]] = {}
        for name, value in fields:
            lists.setdefault(name, []).append(value)
        parts = zip_longest(*(lists.get(name, ()) for name in ("text", "upload", "weight", "sign")), fillvalue="")
        filters = zip_longest(*(lists.get(name, ()) for name in ("column", "operator", "value")), fillvalue="")
        return cls(
            parts=tuple(AskedPart(text, upload, _weight(weight), sign == _SIGNS[1]) for text, upload, weight, sign in parts),
            like=tuple(dict.fromkeys(one for one in lists.get("like", ()) if one)),
            words=_last(lists, "words"),
            filters=tuple(Filter(column, operator or "=", value) for column, operator, value in filters if column),
            where=_last(lists, "where"),
            modalities=tuple(dict.fromkeys(one for one in lists.get("modality", ()) if one)),
            page=_page(_last(lists, "page") or "1"),
        )

    def fields(self) -> list[tuple[str, str]]:
        """Returns the fields that `of_fields` reads, without those that ask for nothing."""
        fields: list[tuple[str, str]] = []
        for part in self.parts:
            if not part.is_empty:
                values = (part.text, part.upload, f"{part.weight:g}", _SIGNS[part.is_not])
                fields += zip(("text", "upload", "weight", "sign"), values, strict=True)
        fields += [("like", one) for one in self.like]
        for one in self.filters:
            fields += [("column", one.column), ("operator", one.operator), ("value", one.value)]
        fields += [("modality", one) for one in self.modalities]
        fields += [(name, value) for name, value in (("words", self.words), ("where", self.where)) if value.strip()]
        return [*fields, ("page", str(self.page))] if self.page > 1 else fields

    def address(self, **changes: Any) -> str:
        """Returns the address of this, changed: `asked.address(page=2)`."""
        fields = replace(self, **changes).fields()
        plain = len(fields) == 4 and dict(fields) | {"text": ""} == {"text": "", "upload": "", "weight": "1", "sign": "plus"}
        return "/?" + urlencode(fields[:1] if plain else fields)

    def without_part(self, number: int) -> str:
        """Returns the address of this without a part of the query."""
        return self.address(parts=self.parts[:number] + self.parts[number + 1 :], page=1)

    def without_upload(self, number: int) -> str:
        """Returns the address of this with a part of the query as its text alone."""
        bare = replace(self.parts[number], upload="")
        return self.address(parts=(*self.parts[:number], bare, *self.parts[number + 1 :]), page=1)

    @property
    def asks(self) -> bool:
        """Whether it asks for anything."""
        return bool(self.like or self.words.strip() or any(not part.is_empty for part in self.parts))

    @property
    def key(self) -> str:
        """What tells this query, wherever in its hits and by whatever filters it is looked at."""
        return replace(self, filters=(), where="", modalities=(), page=1).address()

    def search(self, columns: Mapping[str, str], medium: Callable[[str], Upload], size: int) -> Search:
        """Returns the search for its page and one hit more, which tells whether there is another page.

        Args:
            columns: of the corpus, with their types.
            medium: returns an upload by its name.
            size: hits of a page.

        Raises:
            DataError: if it asks for nothing, a filter is wrong, or an upload is not there any more.
        """
        parts = [
            QueryPart(item(part.text, [medium(part.upload)] if part.upload else ()), -part.weight if part.is_not else part.weight)
            for part in self.parts
            if not part.is_empty
        ]
        conditions = [one.sql(columns) for one in self.filters]
        if self.where.strip():
            conditions.append(f"({self.where.strip()})")
        return Search(
            parts=parts,
            like=self.like,
            words=self.words.strip(),
            where=" AND ".join(conditions),
            modalities=self.modalities,
            k=size + 1,
            offset=(self.page - 1) * size,
        )


def _last(lists: Mapping[str, Sequence[str]], name: str) -> str:
    return (lists.get(name) or [""])[-1]


def _weight(value: str) -> float:
    try:
        weight = float(value or 1)
    except ValueError:
        weight = math.nan
    if not 0 < weight <= MAX_WEIGHT:
        raise DataError(must_be("the weight of a part of the query", f"above 0 and at most {MAX_WEIGHT:g}", value))
    return weight


def _page(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 9):
        raise DataError(must_be("the page", f"from 1 to {MAX_PAGE}", value))
    return int(value)
