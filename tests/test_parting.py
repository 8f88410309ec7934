"""Several processes, of which one is killed or stands still, and what the others make of it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.commands import ROOT, SMALL, environment
from tests.training.ranks import free_port
from unite.parting import is_of_peers


def test_which_errors_are_those_of_a_broken_connection():
    broken = "[gloo/transport/tcp/unbound_buffer.cc:84] Timed out waiting 2000ms for recv operation to complete"
    assert is_of_peers(RuntimeError(broken)) and not is_of_peers(RuntimeError("shapes differ")) and not is_of_peers(ValueError("gloo"))


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
        _checkpoint_of(tmp_path)
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


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="process groups as on Linux")
def test_a_rank_that_one_command_started_and_that_stands_still_ends_the_others_too(tmp_path):
    options = [*SMALL, "mixture=tt", "alignment=none", "trainer.max_steps=100000", "trainer.devices=2", "trainer.lost_after_seconds=5"]
    options += [f"data_root={tmp_path / 'data'}", f"runs_root={tmp_path / 'runs'}", "evaluate=false"]
    with (tmp_path / "output.txt").open("w") as output:
        command = [sys.executable, "-m", "unite.train", *options]
        first = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=output, stderr=subprocess.STDOUT)
    second = 0
    try:
        last = _checkpoint_of(tmp_path)
        (second,) = [pid for pid in _children(first.pid) if "unite.train" in Path(f"/proc/{pid}/cmdline").read_text()]
        os.kill(second, signal.SIGSTOP)
        assert first.wait(60) == 1
    finally:
        for pid in [second, *([first.pid] if first.poll() is None else [])]:
            if pid:
                os.kill(pid, signal.SIGKILL)
        first.wait()
    output = (tmp_path / "output.txt").read_text()
    assert "RankError: rank 1 on " in output and " is lost: no sign of life for " in output
    assert f"The same command with resume=true goes on from {last.parent}" in output


def _checkpoint_of(folder):
    """The first checkpoint of a run, waited for."""
    until = time.monotonic() + 240
    while time.monotonic() < until:
        for found in folder.glob("runs/*/*/checkpoints/adaptation/step=*.ckpt"):
            return found
        time.sleep(0.05)
    raise AssertionError("no checkpoint was written")


def _children(pid):
    """The processes that a process started."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, timeout=20).stdout.split()
    return [int(one) for one in found]
