"""Runs a task over numbers 0..n-1 on every core of this machine, or on a Ray cluster.

The task writes its result itself, whole or not at all, and skips what is there: so an engine only has to call it for every number at least
once, in any order, and a run that was killed is gone on with by running it again.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

from unite.errors import ConfigError, UniteError, must_be, must_be_one_of
from unite.progress import shown
from unite.silenced import silence
from unite.workers import end_with_parent

#: Does the number's work and returns how many rows that was.
Work = Callable[[int], int]
ENGINES = ("local", "ray")


def run(
    work: Work, numbers: Sequence[int], *, title: str, num_rows: int, workers: int = 0, engine: str = "local", progress: bool = True
) -> None:
    """Calls the work for every number.

    Args:
        work: can be sent to another process.
        numbers: what is still to be done.
        title: what is done, for whoever waits.
        num_rows: rows in all of them, likewise.
        workers: processes; 0 is one a core, 1 is this very process. Ray has its own count.
        engine: `local` or `ray`.
        progress: whether to show how far it is.

    Raises:
        ConfigError: if the engine is unknown or not installed.
        UniteError: if a worker process dies.
    """
    if engine not in ENGINES:
        raise ConfigError(must_be_one_of("engine", ENGINES, engine))
    if workers < 0:
        raise ConfigError(must_be("workers", "0 (one a core) or more", workers))
    done = _on_ray(work, numbers) if engine == "ray" else _on_this_machine(work, numbers, workers or os.cpu_count() or 1)
    with shown(title, num_rows, "rows", how="bar" if progress else "nothing") as told:
        for rows in done:
            told.advance(rows)


def _on_this_machine(work: Work, numbers: Sequence[int], workers: int) -> Iterator[int]:
    workers = min(workers, len(numbers))
    if workers <= 1:
        with _imports_left_alone():
            yield from map(work, numbers)
        return
    # A fork of a process that has threads (torch's) can hang: workers come from a server that has none.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["unite.curation.part", "webdataset", "datasketch"])  # what every worker would import
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_take, initargs=(work,)) as pool:
        futures = [pool.submit(_do, number) for number in numbers]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            hint = "Run it again: what is done is kept. If memory was short, set fewer workers."
            raise UniteError(f"a worker process died. {hint}") from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def import_ray() -> Any:
    """Returns Ray with Ray Data. Raises ConfigError if it is not installed."""
    try:
        import ray.data
    except ImportError as error:
        raise ConfigError("engine 'ray' needs Ray Data, which is not installed: pip install 'ray[data]', or use engine 'local'.") from error
    return ray


def _on_ray(work: Work, numbers: Sequence[int]) -> Iterator[int]:
    ray = import_ray()

    def rows(item: dict[str, int]) -> dict[str, int]:
        return {"rows": work(int(item["number"]))}

    items = ray.data.from_items([{"number": number} for number in numbers], override_num_blocks=max(len(numbers), 1))
    for row in items.map(rows).iter_rows():
        yield int(row["rows"])


_work: Work | None = None


def _take(work: Work) -> None:
    """Receives the work once a process, so that what it caches (where records lie, a language model) is kept from part to part."""
    global _work
    _work = work
    silence()
    end_with_parent()
    gc.freeze()


@contextmanager
def _imports_left_alone() -> Iterator[None]:
    """Keeps what is there already (torch's half a million objects) from being searched for garbage again and again, while rows come and go.

    That is a third of the time of short rows.
    """
    import webdataset  # noqa: F401  and torch with it, before, not when the first shard is written

    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _do(number: int) -> int:
    if _work is None:
        raise UniteError("a worker process was given no work.")
    return _work(number)
