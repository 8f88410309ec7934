"""What keeps embeddings by content: the protocol, and a cache for the life of the process. That on disk is `unite.embedding.cache`."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class EmbeddingCache(Protocol):
    """Embeddings by content fingerprint, and the fingerprints of contents by their keys (see `unite.embedding.lazy`)."""

    def fingerprint_of(self, key: int) -> int | None:
        """Returns the fingerprint of the content that was read under that key, or None."""
        ...

    def note(self, key: int, fingerprint: int, *, keep: bool = True) -> None:
        """Notes the fingerprint of a content that was read; `keep` is False where another process keeps it."""
        ...

    def get(self, fingerprint: int) -> Tensor | None:
        """Returns the (D,) embedding, or None."""
        ...

    def put(self, fingerprint: int, embedding: Tensor) -> None:
        """Keeps a (D,) float32 embedding on the CPU."""
        ...

    def learn(self, fingerprint: int, embedding: Tensor) -> None:
        """Takes over the embedding that all ranks agreed on, which another process keeps; `get` returns it from now on."""
        ...

    def flush(self) -> None:
        """Brings what was put to where it outlives the process."""
        ...


def is_before(one: Tensor, other: Tensor) -> bool:
    """Whether a (D,) embedding goes before another of an equal content, made in another micro-batch, that differs by its rounding.

    Which one of them is used is so the same in the run that made them and in every later one.
    """
    return bool(one.tolist() < other.tolist())


class MemoryCache(dict[int, Tensor]):
    """An `EmbeddingCache` for the life of the process."""

    def __init__(self) -> None:
        super().__init__()
        self._fingerprints: dict[int, int] = {}

    def fingerprint_of(self, key: int) -> int | None:
        """As of `EmbeddingCache`."""
        return self._fingerprints.get(key)

    def note(self, key: int, fingerprint: int, *, keep: bool = True) -> None:
        """As of `EmbeddingCache`."""
        self._fingerprints[key] = fingerprint

    def put(self, fingerprint: int, embedding: Tensor) -> None:
        """Keeps it."""
        self[fingerprint] = embedding

    def learn(self, fingerprint: int, embedding: Tensor) -> None:
        """As of `EmbeddingCache`."""
        self[fingerprint] = embedding

    def flush(self) -> None:
        """Does nothing: there is nowhere to write to."""
