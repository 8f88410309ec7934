"""The watch of ranks that are threads."""

import threading
import time

import torch.distributed as dist

from tests.rank_threads import rank_of
from unite import watch


class Ends:
    """What watches end their processes with."""

    def __init__(self):
        self.told = {}

    def watching(self, store, rank, world_size=3, lost_after=1.0):
        one = watch.Watch(store, rank_of(rank, world_size), end=lambda message, _: self.told.setdefault(rank, message))
        one.lost_after, one.go_on = lost_after, lambda: "Go on."
        one.start()
        return one

    def wait(self, count, seconds=20):
        until = time.monotonic() + seconds
        while len(self.told) < count and time.monotonic() < until:
            time.sleep(0.02)
        return self.told


class CutOff:
    """A store that its machine can take away."""

    def __init__(self, store):
        self.store, self.is_gone = store, threading.Event()

    def __getattr__(self, name):
        if self.is_gone.is_set():
            raise dist.DistNetworkError("gone")
        return getattr(self.store, name)


def test_a_rank_that_falls_silent_is_named_to_all_others_and_one_that_has_done_its_work_is_not_missed():
    store, ends = dist.HashStore(), Ends()
    cut = CutOff(store)
    watches = [ends.watching(cut if rank == 1 else store, rank, 4) for rank in range(4)]
    watches[2].leave("")
    time.sleep(1.5)
    assert not ends.told
    cut.is_gone.set()
    told = ends.wait(3)
    assert set(told) == {0, 1, 3} and told[0] == told[3]
    assert told[0].startswith("rank 1 on ") and "is lost: no sign of life for 1 s" in told[0] and told[0].endswith(" Go on.")
    assert told[1].startswith("rank 0")  # who is cut off cannot know better
    for one in watches:
        one.leave("")


def test_the_error_that_a_rank_ends_with_is_told_by_the_others(monkeypatch):
    monkeypatch.setattr(watch, "_GRACE", 0.1)
    store, ends = dist.HashStore(), Ends()
    watches = [ends.watching(store, rank) for rank in range(3)]
    watches[0].leave("DataError: no such file")
    told = ends.wait(2)
    assert set(told) == {1, 2} and all(
        "rank 0 on" in one and "ended with an error: DataError: no such file. Go on." in one for one in told.values()
    )
    for one in watches:
        one.leave("")


def test_a_connection_that_breaks_while_all_are_there_is_told_with_the_option(monkeypatch):
    monkeypatch.setattr(watch, "_GRACE", 0.1)
    store, ends = dist.HashStore(), Ends()
    watches = [ends.watching(store, rank, 2) for rank in range(2)]
    error = RuntimeError("[gloo/transport/tcp/unbound_buffer.cc:84] Timed out waiting 2000ms for recv operation to complete")
    found = watches[1].explain(error)
    assert "though each is still there" in found.told and "raise trainer.timeout_minutes" in found.told and not ends.told
    for one in watches:
        one.leave("")
