"""What the ranks of a job compare before they begin: what must be equal on all machines, and the folder that all must see.

first rank      puts what it has into the job's store
every rank      compares, and puts back what differs
first rank      gathers the answers: the first difference is the verdict, which all raise
"""

from __future__ import annotations

import json
import platform
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from unite.errors import RankError
from unite.processes import Started

#: Seconds that the first rank waits for another to come, which may still be importing over a slow network.
_PATIENCE = 600.0
#: Seconds that a file may take to be seen on another machine: NFS keeps what a folder holds for up to a minute, mostly for 3 to 30 s.
_UNSEEN = 30.0


class Meeting:
    """One rank's part of the meeting; all ranks must call the same in the same order.

    Args:
        store: of the job, see `unite.processes.job_store`.
        this: which process this is.
        patience: seconds to wait for a rank that does not come.
        unseen: seconds to wait for a file of another machine.
    """

    def __init__(self, store: Any, this: Started, patience: float = _PATIENCE, unseen: float = _UNSEEN) -> None:
        self.store, self.this, self.patience, self.unseen = store, this, patience, unseen
        self._num_calls = 0

    def compare(self, facts: Mapping[str, Any], hints: Mapping[str, str]) -> None:
        """Compares facts, in their order.

        Args:
            facts: what -> a value that JSON knows.
            hints: the first word of what -> what to do where it differs.

        Raises:
            RankError: on all ranks, if a rank has others than the first one, or does not come.
        """
        topic = self._topic()
        if self.this.rank == 0:
            self.store.set(f"{topic}/facts", json.dumps(facts))
            self._agree(topic, "")
        else:
            self._agree(topic, self._difference(facts, json.loads(self._wait(f"{topic}/facts")), hints))

    def see_folder(self, folder: Path, option: str) -> None:
        """Looks whether all ranks see the same folder: a file that the first one writes.

        Raises:
            RankError: on all ranks, if one does not.
        """
        topic = self._topic()
        if self.this.rank == 0:
            mark = folder / f".seen_{secrets.token_hex(4)}"
            folder.mkdir(parents=True, exist_ok=True)
            mark.touch()
            try:
                self.store.set(f"{topic}/facts", mark.name)
                self._agree(topic, "")
            finally:
                mark.unlink(missing_ok=True)
            return
        mark = folder / self._wait(f"{topic}/facts")
        until = time.monotonic() + self.unseen
        while not (is_seen := mark.exists()) and time.monotonic() < until:
            with suppress(OSError):
                next(folder.iterdir(), None)  # NFS looks again at a folder that is listed
            time.sleep(0.1)
        hint = f"Let {option} lie on a disk that all machines share (NFS, Lustre), at the same path."
        not_seen = (
            f"the folder {folder} must be the same on all machines, but rank {self.this.rank} on {platform.node()} sees another. {hint}"
        )
        self._agree(topic, "" if is_seen else not_seen)

    def _difference(self, ours: Mapping[str, Any], first: Mapping[str, Any], hints: Mapping[str, str]) -> str:
        for what in [*first, *(name for name in ours if name not in first)]:
            here, there = json.loads(json.dumps(ours.get(what))), first.get(what)
            if here != there:
                hint = next((text for word, text in hints.items() if what.startswith(word)), "")
                here_is = f"{here!r} for rank {self.this.rank} on {platform.node()}"
                return f"{what} must be equal on all ranks, but is {there!r} for rank 0 and {here_is}. {hint}".rstrip()
        return ""

    def _agree(self, topic: str, ours: str) -> None:
        """Raises what the first rank that has something to say says; returns where none has."""
        if self.this.rank:
            self.store.set(f"{topic}/{self.this.rank}", ours)
        else:
            said = (self._answer(topic, rank) for rank in range(1, self.this.world_size))
            self.store.set(f"{topic}/verdict", next(filter(None, said), ours))
        if message := self._wait(f"{topic}/verdict"):
            raise RankError(message)

    def _answer(self, topic: str, rank: int) -> str:
        try:
            return self._wait(f"{topic}/{rank}", rank)
        except RankError as error:
            return error.told

    def _wait(self, key: str, rank: int = 0) -> str:
        until = time.monotonic() + self.patience
        while not self.store.check([key]):
            if time.monotonic() > until:
                raise RankError(f"rank {rank} did not come to where the ranks compare what they have within {self.patience:.0f} s.")
            time.sleep(0.05)
        return str(self.store.get(key).decode())

    def _topic(self) -> str:
        self._num_calls += 1
        return f"meeting/{self._num_calls}"
