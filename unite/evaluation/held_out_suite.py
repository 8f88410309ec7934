"""The rows that training holds out as a suite: a task for each source, and one back where that is asked for."""

from __future__ import annotations

from collections.abc import Mapping

from unite.config.schema.evaluation import SuiteConfig
from unite.data.source import SourceDataModule
from unite.errors import ConfigError, DataError, must_be
from unite.evaluation.pair_tasks import pairs_task, read_pairs
from unite.evaluation.pairs_suite import BACK
from unite.evaluation.suite import Suite
from unite.evaluation.tasks import METRICS_OF_KIND, RetrievalTask


def held_out_suite(sources: Mapping[str, SourceDataModule], *, back: bool = False, token_budget: int = 16384) -> Suite:
    """Returns the suite `held_out`, its tasks named as the sources are.

    Args:
        sources: by name, divided; one without held-out rows has no task.
        back: also find the queries by the positives.
        token_budget: tokens a micro-batch may hold, padding included.

    Raises:
        ConfigError: if no source has held-out rows, or those of one make no task.
    """
    tasks: dict[str, RetrievalTask] = {}
    for name, source in sources.items():
        if source.held_out is not None and source.num_held_out:
            try:
                pairs = read_pairs(source.held_out, source.decoding, f"the held-out rows of source {name}")
                directions = {name: pairs} | ({name + BACK: [(right, query) for query, right in pairs]} if back else {})
                for task, directed in directions.items():
                    tasks[task] = pairs_task(task, source.held_out, directed, source.decoding, METRICS_OF_KIND["pair"])
            except DataError as error:
                hint = "Raise validation.held_out.share or max_rows, or leave the source out."
                actual = f"{source.num_held_out} rows that do not: {error}"
                raise ConfigError(must_be(f"the held-out rows of source {name}", "rows that make a task", actual, hint)) from error
    if not tasks:
        raise ConfigError(must_be("the held-out rows", "of at least one source", "none", "Set validation=held_out."))
    return Suite(SuiteConfig(name="held_out", tasks=tasks, token_budget=token_budget))
