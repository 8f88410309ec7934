"""What is wrong with stored corpora, their encoders and the server of them, before torch is imported."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from unite.checkpoints import find_checkpoint
from unite.config.schema import EmbedConfig, IndexConfig, ServeConfig
from unite.errors import ConfigError, UniteError, caught, must_be
from unite.search.corpus.lance import MISSING


def lancedb_faults(config: EmbedConfig | IndexConfig) -> Iterator[UniteError]:
    """Yields that LanceDB, which keeps a corpus, is not installed."""
    if find_spec("lancedb") is None:
        yield ConfigError(MISSING)


def out_faults(config: EmbedConfig) -> Iterator[UniteError]:
    """Yields a place for a corpus that is none, or in a store that is not offered or needs what is not installed."""
    from unite.search.corpus.place import Place  # not for commands that know no corpus

    yield from caught(Place.of, config.out)


def corpus_faults(config: IndexConfig) -> Iterator[UniteError]:
    """Yields a corpus that is not there or is damaged."""
    from unite.search.corpus.stored import StoredCorpus  # not for commands that know no corpus

    yield from caught(StoredCorpus, config.corpus)


def serving_faults(config: ServeConfig) -> Iterator[UniteError]:
    """Yields corpora and checkpoints that are not there, a token that is easily guessed, a port that is taken, and labels that are none."""
    if missing := [name for name in ("lancedb", "starlette", "uvicorn", "python_multipart") if find_spec(name) is None]:
        yield ConfigError(f"The search page needs {', '.join(missing)}: pip install 'unite[search]'.")
        return
    from unite.data.labels import read_labels
    from unite.search.corpus.stored import StoredCorpus
    from unite.search.server.access import token_for
    from unite.search.server.serving import open_socket

    for folder in filter(None, (config.index, config.index2)):
        yield from caught(StoredCorpus, folder)
    for checkpoint, name in ((config.checkpoint, "checkpoint"), (config.checkpoint2, "checkpoint2")):
        if checkpoint is not None:
            yield from caught(find_checkpoint, checkpoint, name)
    yield from caught(lambda: open_socket(config.host, config.port, token_for(config.host, config.token)).close())
    if config.labels is not None:
        labels = Path(config.labels)
        if not labels.parent.is_dir() or labels.is_dir():
            yield ConfigError(must_be("labels", "a file in a folder that is there", config.labels))
        elif labels.is_file() and labels.stat().st_size:
            yield from caught(read_labels, labels)
