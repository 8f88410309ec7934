"""`python -m unite.index`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from unite.errors import ConfigError, must_be


class IndexKind(StrEnum):
    """How the nearest vectors are found.

    `exact` compares the query with all, in memory. The others compare it with short codes of some, on disk, and with the whole vectors of
    the nearest: `ivf_rq` by a bit a dimension (RaBitQ: built in seconds), `ivf_pq` by a byte for 16 dimensions, `hnsw_sq` along a graph
    with a byte a dimension. `auto` is exact up to `exact_up_to` rows, and where vectors are kept in int8 or binary; above it is ivf_rq.
    """

    auto = "auto"
    exact = "exact"
    ivf_rq = "ivf_rq"
    ivf_pq = "ivf_pq"
    hnsw_sq = "hnsw_sq"


@dataclass(kw_only=True)
class IndexOptions:
    """How a stored corpus is indexed. See `unite.search.index`.

    Attributes:
        kind: how the nearest vectors are found: `exact`, `ivf_rq`, `ivf_pq`, `hnsw_sq`, or `auto` by the number of rows.
        exact_up_to: rows up to which `auto` is exact; each takes 4 bytes a dimension of memory when it is searched.
        refine_factor: of so many times the hits the whole vectors are compared, in all but exact.
        probes: partitions that a query looks into; null leaves it to LanceDB.
        full_text: whether the texts are indexed for search by words.
        language: of the texts, whose endings and stop words are left out (English, German, French, ...).
        sample: rows that recall@10 is measured on.
        seed: of which rows.

    Raises:
        ConfigError: if a number is out of its range.
    """

    kind: IndexKind = IndexKind.auto
    exact_up_to: int = 100_000
    refine_factor: int = 10
    probes: int | None = None
    full_text: bool = True
    language: str = "English"
    sample: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("exact_up_to", 0), ("refine_factor", 1), ("sample", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise ConfigError(must_be(name, f"at least {least}", getattr(self, name)))
        if self.probes is not None and self.probes < 1:
            raise ConfigError(must_be("probes", "at least 1, or null", self.probes))


@dataclass(kw_only=True)
class IndexConfig(IndexOptions):
    """`python -m unite.index`: the options of an index, and of which corpus.

    Attributes:
        name: the folder in `runs_root` that keeps the log.
        corpus: the folder of a stored corpus, or its address in a store, as `python -m unite.embed` writes it; the index lies in it.
        near_duplicates: cosine similarity from which two rows are told as near-duplicates, in near_duplicates.jsonl; null looks for none.
        runs_root: where the folders of logs lie.
        run_folder: of this run's log; a new one by default.

    Raises:
        ConfigError: if a number is out of its range.
    """

    name: str = "index"
    corpus: str
    near_duplicates: float | None = None
    runs_root: str = "runs"
    run_folder: str = "${run_folder:${runs_root},${name},false}"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.near_duplicates is not None:
            check_threshold(self.near_duplicates)


def check_threshold(threshold: float) -> None:
    """Raises ConfigError if a similarity is none from which rows may be near-duplicates."""
    if not 0 < threshold <= 1:
        raise ConfigError(must_be("near_duplicates", "a cosine similarity above 0, at most 1", threshold))
