"""mteb's tasks and benchmarks by the names that it has for them: `STS12`, `ViDoRe(v2)`, `MVEB`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import ModuleType
from typing import Any

from unite.errors import ConfigError, must_be


@dataclass(frozen=True)
class Asked:
    """What one entry of `suite.tasks` stands for.

    Attributes:
        name: as mteb has it; of an alias (`MVEB`) what it stands for (`MVEB(v1)`).
        tasks: one, or those of the benchmark.
        benchmark: mteb's own; None of a task.
    """

    name: str
    tasks: tuple[Any, ...]
    benchmark: Any = None


def asked_for(entry: Any, languages: Sequence[str] | None = None) -> Asked:
    """Returns what an entry stands for: a name, or a task or benchmark of one's own.

    Args:
        entry: of `suite.tasks`.
        languages: of a task those subsets alone; null is all.

    Raises:
        ConfigError: if mteb is not installed, has nothing of that name, or no such language of it.
    """
    mteb = import_mteb()
    if isinstance(entry, mteb.Benchmark):
        return Asked(entry.name, tuple(entry.tasks), entry)
    if isinstance(entry, mteb.AbsTask):
        return Asked(entry.metadata.name, (entry,))
    if not isinstance(entry, str):
        raise ConfigError(must_be("an entry of suite.tasks", "the name of a task or benchmark of mteb, or one of your own", entry))
    from mteb.get_tasks import TASK_LIST

    if languages is not None and not languages:
        raise ConfigError(must_be("suite.languages", "at least one, or null for all", list(languages)))
    tasks = {task.metadata.name for task in TASK_LIST}
    if entry in tasks:
        try:
            return Asked(entry, (mteb.get_task(entry, languages=languages),))
        except ValueError as error:  # a code that is none, or of which the task has nothing
            expected = f"ISO 639-3 codes of {entry}, or null for all"
            raise ConfigError(must_be("suite.languages", expected, list(languages or ()), f"({error})")) from error
    benchmarks = {name: benchmark for benchmark in mteb.get_benchmarks() for name in (benchmark.name, *benchmark.aliases)}
    if entry in benchmarks:
        benchmark = benchmarks[entry]
        if languages is not None:
            hint = f"{entry} says itself which of its tasks' languages count: with others its mean would be another's."
            raise ConfigError(must_be("suite.languages", "null for a benchmark", list(languages), hint))
        return Asked(benchmark.name, tuple(benchmark.tasks), benchmark)
    raise ConfigError(_unknown(entry, tasks, benchmarks))


def _unknown(name: str, tasks: set[str], benchmarks: dict[str, Any]) -> str:
    folded = {one.casefold(): one for one in sorted(tasks | set(benchmarks))}
    near = [folded[one] for one in get_close_matches(name.casefold(), folded, n=5, cutoff=0.5)]
    known = {benchmark.name for benchmark in benchmarks.values()}
    hint = f"Near it: {', '.join(near)}. " if near else ""
    hint += f"Benchmarks{' beside' if near else ''}: {', '.join(sorted(known - set(near)))}. mteb.get_tasks() lists the tasks."
    return must_be("a name in suite.tasks", f"one of the {len(tasks)} tasks or {len(known)} benchmarks of mteb", name, hint)


def import_mteb() -> ModuleType:
    """Returns mteb. Raises ConfigError, which tells how to install it, if it cannot be imported."""
    try:
        import mteb
    except ImportError as error:
        raise ConfigError(f"suite=mteb needs mteb, which cannot be imported ({error}): pip install 'unite[mteb]'.") from error
    return mteb
