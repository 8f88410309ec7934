"""`python -m unite.embed`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from unite.config.schema.curation import Engine
from unite.config.schema.media import Decoding
from unite.config.schema.vectors import Vectors
from unite.errors import ConfigError, must_be


class Embedded(StrEnum):
    """What is embedded of a row that has both a text and media: `both`, as one, or the `media` alone."""

    both = "both"
    media = "media"


class CorpusFormat(StrEnum):
    """What a corpus is written as beside its Lance table: nothing else, parquet files, or NumPy arrays with a parquet file of the rest."""

    lance = "lance"
    parquet = "parquet"
    npy = "npy"


@dataclass(kw_only=True)
class ColumnsConfig:
    """Which columns of a table are what. Of each, null guesses it by its name, which is told, and "" says that there is none.

    Attributes:
        text: the text that is embedded.
        image: a path, a file's bytes or a list of either.
        video: likewise.
        id: what a row is known by, unique; without one it is its place in its file.
        drop: columns that are left out; those that nobody names are metadata.
        rename: what columns of metadata are called in the corpus.
        media_root: what paths in a table are relative to; the table's folder by default.
    """

    text: str | None = None
    image: str | None = None
    video: str | None = None
    id: str | None = None
    drop: list[str] = field(default_factory=list)
    rename: dict[str, str] = field(default_factory=dict)
    media_root: str = ""


@dataclass(kw_only=True)
class CorpusOptions:
    """How a corpus is embedded and kept. See `unite.search.corpus.embed`.

    Attributes:
        vectors: how a number of an embedding is kept: float32, float16, int8 or binary; what the smaller ones cost is measured and told.
        embedded: of a row with a text and media, `both` as one, or the `media` alone; its text is kept either way.
        instruction: what every row is embedded with.
        decoding: how media are decoded.
        thumbnail: pixels of the longer side of the little pictures that are kept; 0 keeps none.
        token_budget: tokens a micro-batch may hold, padding included.
        rows_per_part: rows that are written, and kept when a run is killed, at a time.
        seconds_per_part: likewise, whichever comes first.
        max_skipped_share: of the rows that may be unreadable before the run breaks off.
        recall_sample: rows by which it is measured what smaller vectors cost; 0 measures nothing.

    Raises:
        ConfigError: if a number is out of its range.
    """

    vectors: Vectors = Vectors.float32
    embedded: Embedded = Embedded.both
    instruction: str = ""
    decoding: Decoding = field(default_factory=Decoding)
    thumbnail: int = 256
    token_budget: int = 16384
    rows_per_part: int = 4096
    seconds_per_part: float = 30.0
    max_skipped_share: float = 0.5
    recall_sample: int = 2000

    def __post_init__(self) -> None:
        for name, least in (("token_budget", 1), ("rows_per_part", 1), ("thumbnail", 0), ("recall_sample", 0)):
            if getattr(self, name) < least:
                raise ConfigError(must_be(name, f"at least {least}", getattr(self, name)))
        if not self.seconds_per_part > 0:
            raise ConfigError(must_be("seconds_per_part", "above 0", self.seconds_per_part))
        if not 0 <= self.max_skipped_share <= 1:
            raise ConfigError(must_be("max_skipped_share", "from 0 to 1", self.max_skipped_share))


@dataclass(kw_only=True)
class EmbedConfig(CorpusOptions):
    """`python -m unite.embed`.

    Attributes:
        name: the folder in `runs_root` that keeps the log.
        corpus: what is embedded: a folder of pictures and videos, a CSV, TSV, JSON Lines, JSON or parquet file or a glob of them, a
            folder of WebDataset shards, a Lance table, or an address of these (`s3://...`); a list of several, or by name
            (`{birds: photos, more: more.csv}`), which their ids then begin with.
        checkpoint: a run folder, an exported encoder's folder or a hub name.
        out: the folder of the corpus, or its address in a store (`s3://...`, `gs://...`, `az://...`).
        columns: which columns of a table are what.
        format: written beside the corpus's Lance table: `parquet` files, or `npy` arrays; `lance` is nothing else.
        runs_root: where run folders lie.
        run_folder: of this run; a new one by default.
        encoder: how the encoder runs; what it reads contents with, its folder brings.
        device: `auto` (a GPU if there is one), `cpu`, `cuda` or `cuda:<number>`.
        engine: `local` (this process, or those that torchrun started), or `ray` for a cluster.
        workers: processes of a Ray cluster that embed, each with a GPU where there are any.
    """

    name: str = "embed"
    corpus: Any
    checkpoint: str
    out: str
    columns: ColumnsConfig = field(default_factory=ColumnsConfig)
    format: CorpusFormat = CorpusFormat.lance
    runs_root: str = "runs"
    run_folder: str = "${run_folder:${runs_root},${name},false}"
    encoder: Any = None
    device: str = "auto"
    engine: Engine = Engine.local
    workers: int = 1
