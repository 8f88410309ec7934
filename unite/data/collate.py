"""Examples to a Batch: unique contents, encoded and packed, and the relations between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from unite.batch import Batch, EncodedContent, Processor, Relations, index_tensor
from unite.data.packing import check_budget, plan_micro_batches
from unite.errors import DataError
from unite.types import Content, Example, Modality


class Identified(Protocol):
    """What relations tell of a content; `unite.types.Content` is one."""

    @property
    def modality(self) -> Modality:
        """As of `Content`."""
        ...

    @property
    def fingerprint(self) -> int:
        """As of `Content`."""
        ...

    @property
    def identity(self) -> int:
        """As of `Content`."""
        ...


def relate(rows: Sequence[tuple[int, list[int], list[int]]], contents: Sequence[Identified]) -> Relations:
    """Returns the relations of B rows over a pool.

    Args:
        rows: (B,) of a query, its positives and its negatives, as indices of contents.
        contents: (U,) the pool.
    """
    return Relations(
        query=index_tensor([query for query, _, _ in rows]),
        positive=index_tensor(_ragged([positives for _, positives, _ in rows], least=1)),
        negative=index_tensor(_ragged([negatives for _, _, negatives in rows], least=0)),
        modality=index_tensor([content.modality.value for content in contents]),
        fingerprint=index_tensor([content.fingerprint for content in contents]),
        identity=index_tensor([content.identity for content in contents]),
    )


class Collator:
    """Builds batches; runs in the workers that decode.

    Args:
        processor: the encoder's.
        token_budget: tokens a micro-batch may hold, padding included.
    """

    def __init__(self, processor: Processor, token_budget: int) -> None:
        self.processor = processor
        self.token_budget = token_budget

    def __call__(self, examples: Sequence[Example]) -> Batch:
        """Returns the batch of B examples.

        A row that the processor refuses, or with a content above the budget, is left out and named in `Batch.skipped`; one with a text that
        lost its end is named in `Batch.cut`.
        """
        pool = _Pool(self.processor, self.token_budget)
        rows: list[tuple[Example, int, list[int], list[int]]] = []
        skipped: list[tuple[str, str]] = []
        for example in examples:
            try:
                query = pool.add(example.query)
                positives = [pool.add(content) for content in example.positives]
                rows.append((example, query, positives, [pool.add(content) for content in example.negatives]))
            except DataError as error:
                skipped.append((example.key, str(error)))
        used = sorted({index for _, query, positives, negatives in rows for index in (query, *positives, *negatives)})
        place = {index: new for new, index in enumerate(used)}  # what only a refused row held is not encoded
        contents = [pool.contents[index] for index in used]
        encoded = [pool.encoded[index] for index in used]
        lengths = [one.num_tokens for one in encoded]
        plan = plan_micro_batches(lengths, self.token_budget)
        places = [
            (place[query], [place[index] for index in positives], [place[index] for index in negatives])
            for _, query, positives, negatives in rows
        ]
        return Batch(
            micro_batches=[self.processor.pad([encoded[index] for index in group], group) for group in plan],
            relations=relate(places, contents),
            keys=[example.key for example, _, _, _ in rows],
            sources=[example.source for example, _, _, _ in rows],
            skipped=skipped,
            cut=[
                example.key
                for example, query, positives, negatives in rows
                if any(pool.encoded[index].is_cut for index in (query, *positives, *negatives))
            ],
        )


class _Pool:
    """The contents met so far, equal ones once."""

    def __init__(self, processor: Processor, token_budget: int) -> None:
        self.processor = processor
        self.token_budget = token_budget
        self.contents: list[Content] = []
        self.encoded: list[EncodedContent] = []
        self._at: dict[int, int] = {}

    def add(self, content: Content) -> int:
        if content.fingerprint not in self._at:
            encoded = self.processor.encode(content)
            check_budget(encoded.num_tokens, self.token_budget, _name(content))
            self.encoded.append(encoded)
            self.contents.append(content)
            self._at[content.fingerprint] = len(self.contents) - 1
        place = self._at[content.fingerprint]
        if content.group and not self.contents[place].group:  # it was met as a negative of which nobody says what it shows
            self.contents[place] = content
        return place


def _ragged(rows: list[list[int]], least: int) -> list[list[int]]:
    """Pads lists to one width with -1."""
    width = max([least, *map(len, rows)])
    return [row + [-1] * (width - len(row)) for row in rows] or [[]]


def _name(content: Content) -> str:
    return f"{content.modality} {content.text[:60]!r}"
