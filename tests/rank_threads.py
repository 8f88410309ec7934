"""Ranks of a job as threads of this process, for what knows its others by a store alone."""

from concurrent.futures import ThreadPoolExecutor

from unite.processes import Started


def rank_of(rank, world_size, launcher="torchrun"):
    return Started(launcher, rank, world_size, rank, world_size)


def in_threads(function, world_size):
    """Returns what `function(rank)` returns, or raises, in each rank."""

    def caught(rank):
        try:
            return function(rank)
        except Exception as error:
            return error

    with ThreadPoolExecutor(world_size) as pool:
        return list(pool.map(caught, range(world_size)))
