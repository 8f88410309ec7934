import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest

from unite.workers import end_with_parent

WORK = r"""
import multiprocessing, os, time
from concurrent.futures import ProcessPoolExecutor
from unite.workers import end_with_parent

def work(_):
    os.write(1, b"%d\n" % os.getpid())  # in one piece: two processes write
    time.sleep(60)

if __name__ == "__main__":
    with ProcessPoolExecutor(2, multiprocessing.get_context({method!r}), end_with_parent) as pool:
        list(pool.map(work, range(2)))
"""


def is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("method", ["fork", "forkserver"])
def test_workers_end_with_a_killed_process(tmp_path, method):
    script = tmp_path / "work.py"  # a process of a forkserver imports the main module by its path
    script.write_text(WORK.format(method=method))
    process = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    workers = [int(process.stdout.readline()) for _ in range(2)]
    process.send_signal(signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 20
    while any(map(is_there, workers)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(is_there, workers))


def test_a_process_that_works_for_none_goes_on():
    end_with_parent()
    assert multiprocessing.parent_process() is None
