"""A stored corpus with the encoder that made it: texts, pictures, clips and mixes of them in, hits out. It is a `Searching`."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unite.config.schema.media import Decoding
from unite.embedding.embedder import Embedder
from unite.embedding.fingerprints import encoder_fingerprint, prompt_fingerprint
from unite.errors import CheckpointError, DataError, must_be
from unite.search.corpus.stored import StoredCorpus
from unite.search.hits import Hit, Search
from unite.search.index import Index
from unite.search.index.query import combined
from unite.search.original import original_of
from unite.types import Modality


class Searcher:
    """Searches a corpus by meaning, by words, or both.

        searcher = Searcher.open("corpora/birds")
        hits = searcher.search(Search(parts=[QueryPart(Path("kite.jpg")), QueryPart("in flight"), QueryPart("a plane", -0.5)]))

    Several threads may search at once; contents are embedded by one at a time.

    Args:
        index: over the corpus.
        embedder: the encoder that made its vectors.
        instruction: what to retrieve, of every query that brings none of its own.

    Raises:
        DataError: if another encoder made the corpus, or the same that read contents otherwise.
    """

    def __init__(self, index: Index, embedder: Embedder, instruction: str = "") -> None:
        StoredCorpus(index.folder).check_made_by(encoder_fingerprint(embedder.encoder), prompt_fingerprint(embedder.encoder.processor))
        self.index = index
        self._embedder, self._instruction = embedder, instruction
        self._embedding = threading.Lock()

    @classmethod
    def open(
        cls,
        folder: str | Path,
        checkpoint: str | Path | None = None,
        *,
        instruction: str = "",
        deadline_seconds: float | None = None,
        **options: Any,
    ) -> Searcher:
        """Opens a corpus with its encoder.

        Args:
            folder: of the corpus.
            checkpoint: of its encoder; None is the address that the corpus keeps.
            instruction: as of the class.
            deadline_seconds: in which a clip to search with must be decoded; None is as the corpus was embedded.
            **options: of `Embedder`: the device, the encoder's settings where the corpus was made with some.

        Raises:
            DataError: if there is no corpus, or its index or the encoder is another.
            CheckpointError: if the encoder is not there.
        """
        index = Index(folder)
        facts = index.facts
        decoding = Decoding(**facts.decoding)
        decoding = decoding if deadline_seconds is None else replace(decoding, deadline_seconds=deadline_seconds)
        try:
            embedder = Embedder(checkpoint or facts.checkpoint, **{"decoding": decoding, **options})
        except CheckpointError as error:
            if checkpoint:
                raise
            hint = f"It is the encoder that made the corpus in {folder}: if it was moved, say where it is now by checkpoint."
            raise CheckpointError(f"{error} {hint}") from error
        return cls(index, embedder, instruction)

    @property
    def name(self) -> str:
        """The label of its encoder."""
        return self.index.facts.encoder

    @property
    def num_rows(self) -> int:
        """Rows of the corpus."""
        return len(self.index)

    @property
    def modalities(self) -> Sequence[str]:
        """Those that the corpus has."""
        return self.index.modalities

    @property
    def columns(self) -> Mapping[str, str]:
        """The metadata's columns and their types."""
        return self.index.columns

    def search(self, search: Search) -> list[Hit]:
        """Returns the hits, best first; as of `Searching`.

        The vectors of `parts`, by their weights, and of `like`, by a weight of 1, are added up to one.

        Raises:
            DataError: if an item cannot be embedded (CollectedError of several), the parts cancel each other out, a filter cannot be read,
                a modality is none, or no row has an id of `like`.
        """
        for modality in search.modalities:
            Modality.parse(modality)
        vector = self._vector(search) if search.parts or search.like else None
        return self.index.search(
            vector,
            search.words,
            where=search.where,
            modalities=search.modalities,
            without=search.like,
            k=search.k,
            offset=search.offset,
        )

    def embed(self, items: Sequence[Any]) -> NDArray[np.float32]:
        """Returns (N, D) float32 unit embeddings of items. Raises DataError if one cannot be embedded."""
        with self._embedding:
            vectors: NDArray[np.float32] = self._embedder.encode(list(items), prompt=self._instruction, show_progress_bar=False)
        return vectors

    def row(self, id: str) -> Hit:
        """Returns a row by its id, with score 1. Raises DataError if there is none."""
        return self.index.row(id)

    def media(self, id: str) -> tuple[bytes, str] | None:
        """Returns the bytes of a row's first medium and its MIME type; None where it has none or it is gone.

        Raises:
            DataError: if no row has the id.
        """
        return original_of(self.row(id), self._embedder.decoding)

    def _vector(self, search: Search) -> NDArray[np.float32]:
        given = [part for part in search.parts if part.vector is None]
        made = iter(self.embed([part.item for part in given]) if given else ())
        vectors = [np.asarray(next(made) if part.vector is None else part.vector, np.float32) for part in search.parts]
        dim = self.index.facts.dim
        if wrong := next((vector.shape for vector in vectors if vector.shape != (dim,)), None):
            raise DataError(must_be("the vector of a query's part", f"of shape ({dim},)", wrong))
        vectors += list(self.index.embeddings(search.like)) if search.like else []
        return combined(np.stack(vectors), [*(part.weight for part in search.parts), *(1.0 for _ in search.like)])
