"""The watch of ranks that are threads, and of two groups of processes, one of which is killed."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
import torch.distributed as dist

from tests.commands import ROOT, SMALL, environment
from tests.rank_threads import rank_of
from tests.training.ranks import free_port
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
    assert watch.is_of_peers(error) and not watch.is_of_peers(RuntimeError("shapes differ")) and not watch.is_of_peers(ValueError("gloo"))
    found = watches[1].explain(error)
    assert "though each is still there" in found.told and "raise trainer.timeout_minutes" in found.told and not ends.told
    for one in watches:
        one.leave("")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="process groups as on Linux")
def test_a_machine_that_is_killed_ends_the_other_which_names_it_and_says_how_to_go_on(tmp_path):
    options = [*SMALL, "mixture=tt", "alignment=none", "trainer.max_steps=100000", "trainer.num_nodes=2", "trainer.lost_after_seconds=5"]
    options += [f"data_root={tmp_path / 'data'}", f"runs_root={tmp_path / 'runs'}", "evaluate=false"]
    port, machines = free_port(), []
    in_slurm = {"SLURM_JOB_ID": "1", "SLURM_JOB_NAME": "train", "SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "1"}  # as srun torchrun
    in_slurm |= {"SLURM_STEP_NUM_TASKS": "2", "SLURM_NNODES": "2", "SLURM_LOCALID": "0"}
    for node in range(2):
        command = ["-m", "torch.distributed.run", "--nnodes=2", f"--node-rank={node}", "--master-addr=127.0.0.1", f"--master-port={port}"]
        with (tmp_path / f"{node}.txt").open("w") as output:
            machines.append(
                subprocess.Popen(
                    [sys.executable, *command, "-m", "unite.train", *options],
                    cwd=ROOT,
                    env=environment() | in_slurm | {"SLURM_PROCID": str(node), "SLURM_NODEID": str(node)},
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
            )
    try:
        until = time.monotonic() + 240
        while not list(tmp_path.glob("runs/*/*/checkpoints/adaptation/step=*.ckpt")) and time.monotonic() < until:
            time.sleep(0.05)
        for pid in [*_children(machines[1].pid), machines[1].pid]:
            os.kill(pid, signal.SIGKILL)
        left = _children(machines[0].pid)
        assert machines[0].wait(60) == 1
    finally:
        for machine in machines:
            for pid in [*_children(machine.pid), machine.pid] if machine.poll() is None else []:
                os.kill(pid, signal.SIGKILL)
            machine.wait()
    output = (tmp_path / "0.txt").read_text()
    assert "RankError: rank 1 on " in output and " is lost: no sign of life for " in output
    (last,) = tmp_path.glob("runs/*/*/checkpoints/adaptation/step=*.ckpt")
    assert f"The same command with resume=true goes on from {last}." in output
    assert left and not any(os.path.exists(f"/proc/{pid}") for pid in left)  # noqa: PTH110  # no process stays, no zombie either


def _children(pid):
    """The processes that a process started."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, timeout=20).stdout.split()
    return [int(one) for one in found]
