"""The watch of this process's job: begun with whatever started its ranks, ended by telling the others how this rank ends."""

from __future__ import annotations

import atexit
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from unite.errors import UniteError
from unite.processes import LIGHTNING, Started, job_store, num_ranks, rank, started
from unite.watch import Watch

#: How torch's backends name a connection that broke, an operation that timed out, or a store that is gone.
_OF_PEERS = re.compile(r"gloo|NCCL|Connection (closed|reset|refused)|Broken pipe|TCPStore|[Tt]imed out waiting|Socket")

_watch: Watch | None = None
_said: tuple[float, Callable[[], str]] | None = None  # of the config


def begin_watch() -> None:
    """Watches the ranks that torchrun or srun started, until `parting`; does nothing where there is one process."""
    this, store = started(), job_store()
    if this is not None and store is not None:
        _begin(store, this)


def begin_watch_of_group(local_rank: int, local_world_size: int) -> None:
    """Watches the ranks of torch's process group, which Lightning started; does nothing where they are watched already.

    Args:
        local_rank, local_world_size: among the ranks of this machine.
    """
    if _watch is not None or num_ranks() == 1:
        return
    from torch.distributed import TCPStore  # type: ignore[attr-defined]

    # A connection of its own: whoever waits for a key by that of the group would keep the watch from its signs of life.
    address = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    store = TCPStore(*address, num_ranks(), is_master=False, wait_for_workers=False)
    _begin(store, Started(LIGHTNING, rank(), num_ranks(), local_rank, local_world_size))


def _begin(store: Any, this: Started) -> None:
    global _watch
    if _watch is None:
        from torch.distributed import PrefixStore  # type: ignore[attr-defined]

        _watch = Watch(PrefixStore("watch", store), this)
        if _said is not None:
            _watch.lost_after, _watch.go_on = _said
        atexit.register(_watch.leave, "it ended before its work was done")
        _watch.start()


def set_watch(lost_after: float, go_on: Callable[[], str]) -> None:
    """Gives the watch what the config says, one that begins later too.

    Args:
        lost_after: seconds without a sign of life after which a rank counts as lost.
        go_on: says how to go on after a rank is lost.
    """
    global _said
    _said = lost_after, go_on
    if _watch is not None:
        _watch.lost_after, _watch.go_on = lost_after, go_on


@contextmanager
def parting() -> Iterator[None]:
    """Tells the other ranks how this one ends, and waits for what the watch finds when a connection to one of them broke.

    Raises:
        RankError: in place of an error of the connection.
    """
    try:
        yield
    except BaseException as error:
        if _watch is not None:
            if is_of_peers(error):
                found = _watch.explain(error)
                _watch.leave(found.told)
                raise found from error
            _watch.leave("" if isinstance(error, SystemExit) else _told(error))
        raise
    if _watch is not None:
        _watch.leave("")


def is_of_peers(error: BaseException) -> bool:
    """Returns whether an error is that a connection to other ranks broke."""
    if "torch" not in sys.modules or not isinstance(error, RuntimeError):
        return False
    import torch.distributed as dist

    return isinstance(error, dist.DistError) or bool(_OF_PEERS.search(str(error)))


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error.told if isinstance(error, UniteError) else error}".strip().rstrip(".")
