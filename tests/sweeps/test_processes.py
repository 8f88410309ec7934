"""Processes that stand for jobs: what one does must not end another, and none outlives its launcher (`lifeline.py`)."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from unite.sweeps.processes import OUTPUT, Ended, Job, last_lines, run_jobs


def job(tmp_path, name, code):
    return Job([sys.executable, "-c", code], tmp_path / name, name)


def test_one_that_crashes_or_is_killed_ends_no_other(tmp_path):
    codes = {
        "raises": "raise ValueError('of the job')",
        "exits": "import sys; sys.exit(3)",
        "is_killed": "import os; os.kill(os.getpid(), 9)",
        "works": "print('done')",
    }
    started, ended = [], {}
    jobs = [job(tmp_path, name, code) for name, code in codes.items()]
    run_jobs(jobs, 2, num_threads=2, on_start=started.append, on_end=lambda number, how: ended.__setitem__(jobs[number].name, how))
    assert started == [0, 1, 2, 3]
    assert {name: how.status for name, how in ended.items()} == {"raises": 1, "exits": 3, "is_killed": -9, "works": 0}
    assert ended["is_killed"].reason() == "SIGKILL, as when memory runs out" and ended["exits"].reason() == "exit status 3"
    assert last_lines(tmp_path / "raises")[-1] == "ValueError: of the job" and last_lines(tmp_path / "works") == ["done"]
    assert Ended(-15, 0.0).reason() == "SIGTERM" and last_lines(tmp_path / "nothing") == []


def test_so_many_run_at_a_time_and_share_threads_and_gpus(tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS")
    code = "import os, time; print(os.environ['OMP_NUM_THREADS'], os.environ['CUDA_VISIBLE_DEVICES'], flush=True); time.sleep(0.2)"
    running, most = set(), []
    jobs = [job(tmp_path, str(number), code) for number in range(5)]

    def started(number):
        running.add(number)
        most.append(len(running))

    run_jobs(jobs, 3, num_threads=8, gpus=["4", "5", "6"], on_start=started, on_end=lambda number, how: running.remove(number))
    assert max(most) == 3 and not running
    said = [(tmp_path / str(number) / OUTPUT).read_text().split() for number in range(5)]
    assert {threads for threads, _ in said} == {"2"} and {gpu for _, gpu in said[:3]} == {"4", "5", "6"}


def test_fewer_gpus_than_jobs_are_shared(tmp_path):
    jobs = [job(tmp_path, str(number), "import os; print(os.environ['CUDA_VISIBLE_DEVICES'])") for number in range(2)]
    run_jobs(jobs, 2, num_threads=1, gpus=["7"])
    assert [last_lines(one.folder) for one in jobs] == [["7"], ["7"]]


WAITING = "import time; print('here', flush=True); time.sleep(60)"
DEAF = f"import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); {WAITING}"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_sweep_ends_what_runs(tmp_path, number, monkeypatch):
    monkeypatch.setattr("unite.sweeps.processes._PATIENCE", 0.5)
    processes, jobs = [], [job(tmp_path, name, code) for name, code in (("polite", WAITING), ("deaf", DEAF), ("left", "print('never')"))]

    def interrupt(started):
        if started == 1:
            deadline = time.monotonic() + 20
            processes.extend(one.folder / OUTPUT for one in jobs[:2])
            send_when_ready(lambda: wait_for(processes[:2], deadline), number)

    with pytest.raises(KeyboardInterrupt):
        run_jobs(jobs, 2, num_threads=2, on_start=interrupt)
    assert not jobs[2].folder.exists() and "KeyboardInterrupt" in (jobs[0].folder / OUTPUT).read_text()


def send_when_ready(ready, number):
    """Sends this process a signal once the jobs are there."""
    import threading

    def send():
        ready()
        os.kill(os.getpid(), number)

    threading.Thread(target=send, daemon=True).start()


def wait_for(outputs, deadline):
    while not all(output.is_file() and b"here" in output.read_bytes() for output in outputs) and time.monotonic() < deadline:
        time.sleep(0.02)


def test_a_job_ends_when_its_launcher_is_killed(tmp_path):
    """It has no time to end anything."""
    child = f"from unite.sweeps.lifeline import end_with_launcher; end_with_launcher(); import os; print(os.getpid()); {WAITING}"
    code = f"""
import sys
from pathlib import Path
from unite.sweeps.processes import Job, run_jobs
run_jobs([Job([sys.executable, "-c", {child!r}], Path({str(tmp_path)!r}), "one")], 1, num_threads=1)
"""
    launcher = subprocess.Popen([sys.executable, "-c", code])
    output = tmp_path / OUTPUT
    deadline = time.monotonic() + 30
    while not (output.is_file() and "here" in output.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    launcher.kill()
    launcher.wait()
    number = int(output.read_text().split()[0])
    while is_running(number) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_running(number)


def is_running(number):
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"  # a zombie, which nobody waits for
