"""Processes that stand for jobs: what one does must not end another, and none outlives its launcher (`lifeline.py`)."""

import os
import signal
import subprocess
import sys
import threading
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
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
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


WAITING = "import time; print('here', flush=True); time.sleep(120)"
DEAF = f"import os, signal; signal.signal(signal.SIGINT, signal.SIG_IGN); print(os.getpid()); {WAITING}"


def interrupted(jobs, number):
    """Runs jobs, two at a time, and sends this process a signal once both say that they are there."""

    def send():
        deadline = time.monotonic() + 60
        while not all(last_lines(one.folder)[-1:] == ["here"] for one in jobs[:2]) and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(os.getpid(), number)

    if number == signal.SIGINT:  # which a shell has its background processes ignore
        signal.signal(number, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt):
        run_jobs(jobs, 2, num_threads=2, on_start=lambda started: threading.Thread(target=send).start() if started == 1 else None)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_sweep_ends_what_runs_and_starts_nothing(tmp_path, number):
    jobs = [job(tmp_path, name, code) for name, code in (("one", WAITING), ("other", WAITING), ("left", "print('never')"))]
    interrupted(jobs, number)
    assert [last_lines(one.folder)[-1] for one in jobs[:2]] == ["KeyboardInterrupt"] * 2 and not jobs[2].folder.exists()


def test_a_job_that_does_not_end_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr("unite.sweeps.processes.PATIENCE", 0.1)
    jobs = [job(tmp_path, name, DEAF) for name in ("one", "other")]
    interrupted(jobs, signal.SIGINT)
    assert not any(is_running(int(last_lines(one.folder)[0])) for one in jobs)


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
