"""Runs commands as processes, some at a time, each with its share of the machine. What one does never ends another."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from unite.sweeps.lifeline import LAUNCHER

#: What a job prints, in its folder.
OUTPUT = "output.txt"

#: Seconds that a job has to end by itself when it is told to.
PATIENCE = 20.0
_EVERY = 0.05


@dataclass(frozen=True)
class Job:
    """A command to run, the folder that gets its output, and what it is called."""

    command: Sequence[str]
    folder: Path
    name: str


@dataclass(frozen=True)
class Ended:
    """How a job ended: its exit status, minus a signal's number, and the seconds it took."""

    status: int
    seconds: float

    def reason(self) -> str:
        """Returns the status in words."""
        if self.status >= 0:
            return f"exit status {self.status}"
        name = signal.Signals(-self.status).name
        return f"{name}, as when memory runs out" if -self.status == signal.SIGKILL else name


def run_jobs(
    jobs: Sequence[Job],
    num_parallel: int,
    *,
    num_threads: int,
    gpus: Sequence[str] = (),
    on_start: Callable[[int], None] = lambda number: None,
    on_end: Callable[[int, Ended], None] = lambda number, ended: None,
) -> None:
    """Runs all jobs, in their order, at most `num_parallel` at a time.

    A job is a session of its own: Ctrl-C at the terminal does not reach it. When this process is interrupted or told to end, it tells the
    running jobs to end, kills those that do not, and raises KeyboardInterrupt.

    Args:
        jobs: what to run.
        num_parallel: at least 1.
        num_threads: of the machine, shared among those that run at a time; a job whose environment says OMP_NUM_THREADS keeps that.
        gpus: of the machine, shared likewise; where there are fewer than jobs, several jobs share one.
        on_start: told the place of a job when it starts.
        on_end: told the place of a job when it has ended, and how.

    Raises:
        KeyboardInterrupt: when interrupted.
    """
    waiting = deque(range(len(jobs)))
    free = deque(range(min(num_parallel, max(1, len(jobs)))))
    num_slots = len(free)
    running: dict[int, tuple[subprocess.Popen[bytes], int, float]] = {}
    with _interrupted_by_termination():
        try:
            while waiting or running:
                while waiting and free:
                    number, slot = waiting.popleft(), free.popleft()
                    shares = _shares(slot, num_slots, num_threads, gpus)
                    on_start(number)
                    running[number] = (_start(jobs[number], shares), slot, time.monotonic())
                for number, (process, slot, began) in list(running.items()):
                    if process.poll() is not None:
                        del running[number]
                        free.append(slot)
                        on_end(number, Ended(process.returncode, time.monotonic() - began))
                time.sleep(_EVERY)
        finally:
            _end([process for process, _, _ in running.values()])


def _start(job: Job, shares: Mapping[str, str]) -> subprocess.Popen[bytes]:
    job.folder.mkdir(parents=True, exist_ok=True)
    environment = {**shares, **os.environ, LAUNCHER: str(os.getpid())}
    environment |= {name: value for name, value in shares.items() if name == _VISIBLE}
    with (job.folder / OUTPUT).open("ab") as output:
        return subprocess.Popen(
            job.command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment, start_new_session=True
        )


_VISIBLE = "CUDA_VISIBLE_DEVICES"


def _shares(slot: int, num_slots: int, num_threads: int, gpus: Sequence[str]) -> dict[str, str]:
    """Returns the environment that gives a slot its share of threads and GPUs."""
    shares = {"OMP_NUM_THREADS": str(max(1, num_threads // num_slots))}
    if gpus:
        mine = gpus[slot * len(gpus) // num_slots : (slot + 1) * len(gpus) // num_slots] or [gpus[slot % len(gpus)]]
        shares[_VISIBLE] = ",".join(mine)
    return shares


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Ends jobs with all that they started: by SIGINT, by which a run says how to go on, then by SIGKILL."""
    for process in processes:
        _signal(process, signal.SIGINT)
    deadline = time.monotonic() + PATIENCE
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


@contextmanager
def _interrupted_by_termination() -> Iterator[None]:
    """Makes SIGTERM, by which a cluster ends a job, the same as Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def last_lines(folder: Path, count: int = 3) -> list[str]:
    """Returns the last lines that a job printed: of an error, what it says."""
    file = folder / OUTPUT
    if not file.is_file():
        return []
    text = file.read_bytes()[-8192:].decode("utf-8", errors="replace")
    return [line.rstrip() for line in text.splitlines() if line.strip()][-count:]
