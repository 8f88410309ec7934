"""Builds the index of a stored corpus, in its folder: of its texts and, where there are many rows, of its vectors.

LanceDB swaps the new index in when it is whole, so the corpus is searched meanwhile, and a build that breaks off leaves what was there.
"""

from __future__ import annotations

import time
from pathlib import Path

from unite.config.schema.index import IndexKind, IndexOptions
from unite.errors import ConfigError, must_be
from unite.progress import shown
from unite.search.corpus.lance import system_errors, told_damage
from unite.search.corpus.lock import held
from unite.search.corpus.stored import StoredCorpus
from unite.search.index.approximate import VECTOR_INDEX, IndexedVectors
from unite.search.index.exact import VectorsInMemory
from unite.search.index.kinds import kind_of, vector_index
from unite.search.index.recall import measured
from unite.search.index.record import IndexRecord, write_record
from unite.search.index.words import TEXT_INDEX


def build_index(folder: str | Path, options: IndexOptions) -> IndexRecord:
    """Builds the index of a corpus anew and measures it.

    Args:
        folder: of the corpus.
        options: what kind, and how it is measured.

    Returns:
        What is known of it, which lies in the folder too.

    Raises:
        DataError: if there is no corpus, it is damaged, empty or too small for the kind, or another process writes to it or builds its
            index.
        ConfigError: if the kind does not go with how the vectors are kept, or the language is none that LanceDB knows.
        OSError: if nothing can be written: no space left, no right to.
    """
    corpus = StoredCorpus(folder)
    place = corpus.folder
    kind = kind_of(options, len(corpus), corpus.facts)
    with held(place), told_damage(place):
        start = time.perf_counter()
        with system_errors(place):
            _index_texts(corpus, options)
            _index_vectors(corpus, kind)
        seconds = time.perf_counter() - start
        is_exact = kind is IndexKind.exact
        vectors = VectorsInMemory(corpus) if is_exact else IndexedVectors(corpus, options.refine_factor, options.probes)
        worth = measured(corpus, vectors, options.sample, options.seed)
        record = IndexRecord(
            kind=kind,
            refine_factor=options.refine_factor,
            probes=options.probes,
            rows=len(corpus),
            encoder_fingerprint=corpus.facts.encoder_fingerprint,
            prompt_fingerprint=corpus.facts.prompt_fingerprint,
            recall_at_10=worth.recall_at_10,
            sample=worth.sample,
            milliseconds=worth.milliseconds,
            seconds=seconds,
            full_text=options.full_text,
        )
        write_record(place, record)
    return record


def _index_texts(corpus: StoredCorpus, options: IndexOptions) -> None:
    if not options.full_text:
        _drop(corpus, TEXT_INDEX)
        return
    from lancedb.index import FTS

    try:
        with shown(f"indexing the texts of {len(corpus):,} rows"):
            corpus.table.create_index("text", config=FTS(language=options.language), replace=True, name=TEXT_INDEX)
    except ValueError as error:
        if "language" not in str(error):
            raise
        hint = f"LanceDB says: {error}."
        raise ConfigError(must_be("language", "one that LanceDB knows (English, German, French, ...)", options.language, hint)) from error


def _index_vectors(corpus: StoredCorpus, kind: IndexKind) -> None:
    if kind is IndexKind.exact:
        _drop(corpus, VECTOR_INDEX)
        return
    with shown(f"indexing {len(corpus):,} vectors ({kind})"):
        corpus.table.create_index("vector", config=vector_index(kind), replace=True, name=VECTOR_INDEX)


def _drop(corpus: StoredCorpus, name: str) -> None:
    if any(index.name == name for index in corpus.table.list_indices()):
        corpus.table.drop_index(name)
