"""One's own pairs as one's own yardstick: `python -m unite.evaluate checkpoint=... suite=pairs suite.shards=data/products`.

One task for each folder with shards (`<source>/<pair>` as `unite.curate` writes them), and one back where that is asked for.
"""

from __future__ import annotations

from glob import escape, glob, has_magic
from pathlib import Path

from rich.console import Console

from unite.config.schema.evaluation import PairsSuiteConfig, SuiteConfig
from unite.data.address import Address, find_shards
from unite.data.shards import ShardReader
from unite.embedding.embed import EmbeddingCache, Encoder
from unite.errors import DataError, must_be
from unite.evaluation.evaluate import Evaluation, evaluate
from unite.evaluation.pair_tasks import pairs_task, read_pairs
from unite.evaluation.suite import Suite
from unite.evaluation.tasks import RetrievalTask

#: Behind the name of a task from the positives to the queries.
BACK = "_back"


class PairsSuite:
    """Tasks made of shards of pairs.

    Args:
        config: the options, each documented there.

    Raises:
        DataError: if there are no shards, or those of a folder make no task (see `read_pairs` and `pairs_task`).
    """

    def __init__(self, config: PairsSuiteConfig) -> None:
        tasks: dict[str, RetrievalTask] = {}
        for name, shards in find_sets(config.shards).items():
            tasks |= _tasks(name, ShardReader(shards), config)
        self.suite = Suite(
            SuiteConfig(
                name=config.name,
                tasks=tasks,
                decoding=config.decoding,
                token_budget=config.token_budget,
                diagnose=config.diagnose,
            )
        )

    def evaluate(self, encoder: Encoder, folder: Path, console: Console, cache: EmbeddingCache | None = None) -> Evaluation:
        """Runs the tasks and writes what came out, as `unite.evaluation.evaluate.evaluate` does."""
        return evaluate(encoder, [self.suite], folder, console, cache)


def find_sets(where: str) -> dict[str, list[Address]]:
    """Returns the shards of each folder, by its path below the part of `where` that is no pattern: `nli_text-to-text`.

    Args:
        where: a folder of shards, or one with such folders at any depth; a glob of shards or folders; an address of shards or of a set.

    Raises:
        DataError: if there are no shards.
    """
    shards = _find(where)
    if not shards:
        expected = "a folder with .tar shards, in itself or in folders of source and pair as unite.curate writes them, or a glob"
        raise DataError(must_be("suite.shards", expected, where, "Curate or copy the shards there, or check the path."))
    plain, is_pattern = where.rstrip("/").split("/"), not Path(where).exists()
    root = plain[: next((at for at, part in enumerate(plain) if (is_pattern and has_magic(part)) or part.endswith(".tar")), len(plain))]
    sets: dict[str, list[Address]] = {}
    for shard in shards:
        below = shard.text.split("/")[len(root) : -1] if shard.is_local else shard.text.split("/")[:-1][-2:]
        sets.setdefault("_".join(below) or (root or ["pairs"])[-1] or "pairs", []).append(shard)
    return sets


def _find(where: str) -> list[Address]:
    if not Address(where).is_local:
        below = find_shards(where) or find_shards(f"{where.rstrip('/')}/*/*/*.tar")
        return [shard for shard in below if not any(part.startswith(".") for part in shard.text.split("/")[-3:])]
    found: list[str] = []
    for path in [where.rstrip("/")] if Path(where).exists() else sorted(glob(where.rstrip("/"), recursive=True)):
        # What begins with a dot, a curation at work say, is passed by here as above.
        found += sorted(glob(f"{escape(path)}/**/*.tar", recursive=True)) if Path(path).is_dir() else [path] * path.endswith(".tar")
    return [Address(path) for path in dict.fromkeys(found)]


def _tasks(name: str, reader: ShardReader, config: PairsSuiteConfig) -> dict[str, RetrievalTask]:
    pairs = read_pairs(reader, config.decoding, f"{config.shards} ({name})")
    directions = {name: pairs} | ({name + BACK: [(right, query) for query, right in pairs]} if config.back else {})
    return {
        task: pairs_task(task, reader, directed, config.decoding, config.metrics, config.max_queries)
        for task, directed in directions.items()
    }
