"""The built-in case of search: what the newest finished run on the emoji world makes of its pictures and clips."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from unite.build.emoji_corpus import emoji_pools
from unite.checkpoints import checkpoint_label, find_checkpoint
from unite.config.resumed import FINISHED
from unite.config.schema import WorldConfig
from unite.config.schema.embed import CorpusOptions, Embedded
from unite.embedding.embedder import Embedder
from unite.errors import ConfigError, DataError, must_be
from unite.runs import read_config
from unite.search.corpus.embed import embed_corpus
from unite.search.corpus.encoder import CorpusEncoder
from unite.worlds.emoji import EmojiWorld

#: Folders between `runs_root` and a run, at most: an experiment, a sweep.
_DEPTH = 3


def newest_run(runs_root: Path) -> Path:
    """Returns the finished run on the emoji world that ended last.

    Raises:
        ConfigError: if there is none.
    """
    ended = [mark for depth in range(1, _DEPTH + 1) for mark in runs_root.glob("*/" * depth + FINISHED)]
    for mark in sorted(ended, key=lambda mark: mark.stat().st_mtime_ns, reverse=True):
        if (mark.parent / "encoder" / "config.json").is_file() and _world_of(mark.parent):
            return mark.parent
    hint = "make train makes one in a few minutes; index=<folder> serves a corpus of your own."
    raise ConfigError(must_be("runs_root", "a folder with a finished run on the emoji world", str(runs_root), hint))


def built_in_corpus(runs_root: Path, device: str, say: Callable[[str], None]) -> str:
    """Returns the folder of the corpus of the newest run, brought up to date: made if it is not there, and looked through if it is.

    Args:
        runs_root: where runs lie.
        device: that embeds.
        say: is told what is done.

    Raises:
        ConfigError: if there is no finished run on the emoji world.
    """
    run = newest_run(runs_root)
    say(f"The built-in case: the emoji world's held-out pictures and clips, embedded by {run}.")
    known = {field.name for field in fields(WorldConfig)}
    world = EmojiWorld(WorldConfig(**{name: value for name, value in _world_of(run).items() if name in known}))
    world.prepare()
    checkpoint = find_checkpoint(run)
    encoder = CorpusEncoder(str(run), checkpoint_label(checkpoint), lambda: Embedder(checkpoint, device=device).encoder)
    out = run / "emoji_corpus"
    # The captions are there to be filtered by and read: with them embedded, a text would find texts.
    options = CorpusOptions(embedded=Embedded.media)
    for line in embed_corpus(emoji_pools(world), out, encoder, options).told(out):
        say(line)
    return str(out)


def _world_of(run: Path) -> dict[str, Any]:
    """Returns the options of the emoji world that a run was trained on, nothing of a run on other data."""
    try:
        worlds = [source.get("world") for source in read_config(run)["mixture"]["sources"].values()]
    except (DataError, TypeError, KeyError, AttributeError):  # damaged, of another version, or none of ours
        return {}
    return next((world for world in worlds if isinstance(world, dict) and world.get("_target_") == WorldConfig._target_), {})
