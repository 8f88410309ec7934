"""A corpus of a few rows, embedded by hand: what it answers can be told by looking at it."""

import threading
import time
from collections.abc import Sequence

import numpy as np

from unite.errors import DataError
from unite.search.hits import Hit, Search

DIM = 8


class FakeSearching:
    """Items are told apart by their length alone; rows are `row-0`, `row-1`, ... of the texts given.

    It keeps the size of every call of `embed`, and the most calls that were there at once.
    """

    modalities: Sequence[str] = ("text", "image")

    def __init__(self, texts: Sequence[str] = ("a cat", "a little dog"), name: str = "fake", seconds: float = 0.0) -> None:
        self.name, self.seconds = name, seconds
        self.rows = {
            f"row-{place}": Hit(f"row-{place}", 1.0, f"folder/{place}.jpg", "image", text, {"price": place}, b"\xff\xd8thumb")
            for place, text in enumerate(texts)
        }
        self.columns = {"price": "int64"}
        self.files = dict.fromkeys(self.rows, (b"\xff\xd8picture", "image/jpeg"))
        self.calls: list[int] = []
        self.searches: list[Search] = []
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()

    @property
    def num_rows(self) -> int:
        return len(self.rows)

    def embed(self, items):
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            time.sleep(self.seconds)
            self.calls.append(len(items))
            return np.stack([vector_of(item) for item in items])
        finally:
            with self._lock:
                self._at_once -= 1

    def search(self, search):
        self.searches.append(search)
        query = np.zeros(DIM, np.float32)
        for part in search.parts:
            query += part.weight * (vector_of(part.item) if part.vector is None else part.vector)
        for id in search.like:
            query += vector_of(self.row(id).text)
        hits = [
            Hit(**{**vars(row), "score": float(query @ vector_of(row.text))})
            for id, row in self.rows.items()
            if id not in search.like and search.words in row.text
        ]
        hits.sort(key=lambda hit: -hit.score)
        return hits[search.offset : search.offset + search.k]

    def row(self, id):
        if id not in self.rows:
            raise DataError(f"there is no row {id!r}")
        return self.rows[id]

    def media(self, id):
        return self.files.get(self.row(id).id)


def vector_of(item) -> np.ndarray:
    """A unit vector: of a text by its letters, of a medium by its bytes. A text that holds `broken` cannot be embedded."""
    parts = item if isinstance(item, dict) else {"text": item}
    if "broken" in parts["text"]:
        raise DataError(f"{parts['text']!r} cannot be embedded")
    media = [data for key in ("image", "video") for data in parts.get(key, ())]
    counts = np.bincount([letter % DIM for letter in b"".join([parts["text"].encode(), *media])], minlength=DIM) + 0.01
    return (counts / np.linalg.norm(counts)).astype(np.float32)
