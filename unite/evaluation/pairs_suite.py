"""One's own pairs as one's own yardstick: `python -m unite.evaluate checkpoint=... suite=pairs suite.shards=data/products`.

One task for each folder with shards (`<source>/<pair>` as `unite.curate` writes them), and one back where that is asked for.
"""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from unite.config.schema.evaluation import PairsSuiteConfig, SuiteConfig
from unite.data.shard_sets import find_sets
from unite.data.shards import ShardReader
from unite.embedding.embed import Encoder
from unite.embedding.memory import EmbeddingCache
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


def _tasks(name: str, reader: ShardReader, config: PairsSuiteConfig) -> dict[str, RetrievalTask]:
    pairs = read_pairs(reader, config.decoding, f"{config.shards} ({name})")
    directions = {name: pairs} | ({name + BACK: [(right, query) for query, right in pairs]} if config.back else {})
    return {
        task: pairs_task(task, reader, directed, config.decoding, config.metrics, config.max_queries)
        for task, directed in directions.items()
    }
