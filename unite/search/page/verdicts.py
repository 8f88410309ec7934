"""Clicks on right and wrong, kept as the labelled file of `unite.data.labels`."""

from __future__ import annotations

import mimetypes
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from unite.data.labels import Label, LabelledContent, append_label, keep_medium, read_labels
from unite.errors import DataError, UniteError, must_be
from unite.search.hits import Hit, Searching
from unite.search.page.asked import Asked
from unite.search.page.uploads import Uploads
from unite.types import Modality

#: Of files whose type nobody told; whoever reads them goes by their bytes.
_SUFFIXES = {Modality.IMAGE: "png", Modality.VIDEO: "mp4"}


@dataclass(frozen=True)
class Clicked:
    """What was clicked.

    Attributes:
        verdict: `right`, `wrong` or `none`.
        id: of the row.
        rank, score: at which it stood, None where that is not known.
    """

    verdict: str
    id: str
    rank: int | None = None
    score: float | None = None

    @classmethod
    def of_form(cls, verdict: str, id: str, rank: str, score: str) -> Clicked:
        """Returns what a form says. Raises DataError if the rank or the score is no number."""
        try:
            return cls(verdict, id, int(rank) if rank else None, float(score) if score else None)
        except ValueError as error:
            raise DataError(must_be("the rank and the score of a verdict", "numbers", (rank, score))) from error


class Verdicts:
    """The verdicts of a file, which is made by the first of them.

    Args:
        path: of the file.
        uploads: where queries have their media from.

    Raises:
        DataError: if there is a file that holds no labels.
    """

    def __init__(self, path: Path, uploads: Uploads) -> None:
        self.path, self._uploads, self._lock = path, uploads, Lock()
        self._state, self._verdicts = _state_of(path), _read(path)

    def of(self, asked: Asked) -> dict[str, str]:
        """Returns row id -> verdict of a query, those of other servers that keep the same file among them."""
        with self._lock:
            state = _state_of(self.path)
            if state != self._state:
                with suppress(OSError, UniteError):  # what is known of it is shown until it can be read again
                    self._state, self._verdicts = state, _read(self.path)
            return dict(self._verdicts.get(asked.key, {}))

    def keep(self, asked: Asked, clicked: Clicked, searching: Searching) -> None:
        """Writes a verdict.

        Raises:
            DataError: if there is no such row or verdict, an upload of the query is gone, or it cannot be written.
        """
        row = searching.row(clicked.id)
        query = self._query(asked, searching)
        facts = {
            **{"encoder": searching.name, "source": row.source, "modality": row.modality, "rank": clicked.rank, "score": clicked.score},
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        append_label(self.path, Label(clicked.verdict, asked.key, query, clicked.id, self._content(row, searching), facts))

    def _query(self, asked: Asked, searching: Searching) -> list[tuple[LabelledContent, float]]:
        parts: list[tuple[LabelledContent, float]] = []
        for part in asked.parts:
            if part.is_empty:
                continue
            media: tuple[tuple[Modality, Path], ...] = ()
            if part.upload:
                upload = self._uploads.medium(part.upload)
                media = ((upload.kind.modality, keep_medium(self.path, upload.data, _SUFFIXES[upload.kind.modality])),)
            parts.append((LabelledContent(part.text, media), -part.weight if part.is_not else part.weight))
        parts += [(self._content(searching.row(id), searching), 1.0) for id in asked.like]
        return parts or [(LabelledContent(asked.words.strip()), 1.0)]

    def _content(self, row: Hit, searching: Searching) -> LabelledContent:
        """Returns what was embedded of a row, by its file, or with its medium kept beside the labels where that lies in a shard or a table.

        A caption that was not embedded (`embedded=media`) is left out: with it, the task would be another, and an easier one.
        """
        if row.medium is None:
            return LabelledContent(row.text)
        text = row.text if str(Modality.TEXT) in row.modality.split("+") else ""
        if Path(row.source).is_file():
            return LabelledContent(text, ((row.medium, Path(row.source)),))
        found = searching.media(row.id)
        if found is None:
            if not text:
                raise DataError(must_be(f"the medium of {row.id}", "there", f"not found in {row.source}"))
            return LabelledContent(text)
        data, mime = found
        suffix = mimetypes.guess_extension(mime.partition(";")[0]) or _SUFFIXES[row.medium]
        return LabelledContent(text, ((row.medium, keep_medium(self.path, data, suffix)),))


def _state_of(path: Path) -> tuple[int, int]:
    """Returns what changes when a verdict is added; nothing of a file that is not there."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def _read(path: Path) -> dict[str, dict[str, str]]:
    """Returns query -> row id -> verdict."""
    queries = read_labels(path) if path.is_file() and path.stat().st_size else ()
    return {query.asked: {**dict.fromkeys(query.right, "right"), **dict.fromkeys(query.wrong, "wrong")} for query in queries}
