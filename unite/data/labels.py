"""Verdicts of people on hits of searches, written and read: a line of JSON each, whole, and beside the file the media that it names.

    labels.jsonl    {"verdict": "right", "asked": "/?text=a+red+bird", "query": [{"text": "a red bird", "media": [], "weight": 1.0}],
                     "row": {"id": "17", "text": "", "media": [["image", "labels.media/5f0c.png"]]}, "encoder": ..., "rank": 3, ...}
    labels.media/   what was dropped onto the search page, and media that lie in no file of their own

A later verdict on the same row of the same query counts instead of an earlier one; `none` takes it back. `unite.evaluate` reads the file as
a task (`unite.evaluation.layouts.labelled_search`), `unite.curate` as rows with hard negatives (`unite.curation.recipes.labelled_search`).
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from unite.errors import DataError, first_of, must_be
from unite.files import to_line, whole_file
from unite.locks import locked
from unite.types import MEDIA, Modality

log = logging.getLogger(__name__)

VERDICTS = ("right", "wrong", "none")
_KINDS = {str(modality): modality for modality in MEDIA}


@dataclass(frozen=True)
class LabelledContent:
    """A query, or a row of a corpus.

    Attributes:
        text: "" for none; as a person wrote it, without places of media.
        media: kind and file of each.
    """

    text: str = ""
    media: tuple[tuple[Modality, Path], ...] = ()


@dataclass(frozen=True)
class Label:
    """One verdict.

    Attributes:
        verdict: one of `VERDICTS`.
        asked: what tells the query from others.
        query: its parts with their weights; below 0 is: not like this.
        row_id, row: of the corpus.
        facts: what else is noted: the encoder, the place in the ranking, the score, the time.

    Raises:
        DataError: if there is no such verdict.
    """

    verdict: str
    asked: str
    query: Sequence[tuple[LabelledContent, float]]
    row_id: str
    row: LabelledContent
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise DataError(must_be("a verdict", " or ".join(VERDICTS), self.verdict))


@dataclass(frozen=True)
class LabelledQuery:
    """A query with the rows that were judged for it.

    Attributes:
        asked: what tells it from others.
        parts: as of `Label.query`.
        right, wrong: row id -> content, in the order of the verdicts.
    """

    asked: str
    parts: Sequence[tuple[LabelledContent, float]]
    right: dict[str, LabelledContent] = field(default_factory=dict)
    wrong: dict[str, LabelledContent] = field(default_factory=dict)

    @property
    def content(self) -> LabelledContent | None:
        """What is looked for, where that is one thing; None of several parts, or of what it shall not be like."""
        return self.parts[0][0] if len(self.parts) == 1 and self.parts[0][1] > 0 else None


def append_label(path: Path, label: Label) -> None:
    """Adds a verdict, whole; several processes may do so at once, and a half line of one that was killed stays alone.

    Raises:
        DataError: if it cannot be written.
    """
    query = [{**_record(path, content), "weight": weight} for content, weight in label.query]
    row = {"id": label.row_id, **_record(path, label.row)}
    line = to_line({"verdict": label.verdict, "asked": label.asked, "query": query, "row": row, **label.facts})
    try:
        with locked(path.with_name(f"{path.name}.lock")), path.open("ab+") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                line = line if file.read(1) == b"\n" else b"\n" + line
            file.write(line)
    except OSError as error:
        raise DataError(f"The verdict cannot be kept: {path} cannot be written ({error.strerror}).") from error


def keep_medium(path: Path, data: bytes, suffix: str) -> Path:
    """Writes a medium beside the file of labels, once, and returns where it is. Raises DataError if it cannot be written."""
    kept = path.with_name(f"{path.stem}.media") / f"{blake2b(data, digest_size=12).hexdigest()}.{suffix.lstrip('.')}"
    try:
        if not kept.is_file():
            with whole_file(kept) as partial:
                partial.write_bytes(data)
    except OSError as error:
        raise DataError(f"The verdict cannot be kept: {kept} cannot be written ({error.strerror}).") from error
    return kept


def read_labels(path: Path) -> list[LabelledQuery]:
    """Reads the file: a query for each that was judged, in their order, those without a verdict left too.

    A line that cannot be read is left out, and named in the log.

    Raises:
        DataError: if there is no such file, or it holds nothing that can be read.
    """
    if not path.is_file():
        raise DataError(must_be(str(path), "a file of labels, as the search page writes it (labels=...)", "not there"))
    queries: dict[str, LabelledQuery] = {}
    broken: list[str] = []
    # Not by splitlines, for which a text's own separators (U+2028) end a line too.
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").split("\n"), 1):
        if not line.strip():
            continue
        try:
            label = _label(path, json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError, DataError) as error:
            broken.append(f"line {number} ({error})")
            continue
        query = queries.setdefault(label.asked, LabelledQuery(label.asked, label.query))
        for rows in (query.right, query.wrong):
            rows.pop(label.row_id, None)
        if label.verdict != "none":
            (query.right if label.verdict == "right" else query.wrong)[label.row_id] = label.row
    if broken:
        told = f"{path}: {first_of(broken, 3)} cannot be read as labels"
        if not queries:
            raise DataError(f"{told}, and no other line can.")
        log.warning("%s; left out", told)
    return list(queries.values())


def _label(path: Path, record: Any) -> Label:
    query = [(_content(path, part), float(part.get("weight", 1.0))) for part in record["query"]]
    asked = str(record.get("asked") or json.dumps(record["query"], sort_keys=True))
    return Label(record["verdict"], asked, query, str(record["row"]["id"]), _content(path, record["row"]))


def _record(path: Path, content: LabelledContent) -> dict[str, Any]:
    folder = path.absolute().parent
    media = []
    for modality, file in content.media:
        whole = file.absolute()
        media.append([str(modality), str(whole.relative_to(folder) if whole.is_relative_to(folder) else whole)])
    return {"text": content.text, "media": media}


def _content(path: Path, record: Any) -> LabelledContent:
    return LabelledContent(
        str(record.get("text") or ""), tuple((_KINDS[kind], path.parent / file) for kind, file in record.get("media") or ())
    )
