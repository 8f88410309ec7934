"""Locks between processes, of which some are killed."""

import logging
import os
import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from unite.locks import locked

HOLD = """
import sys, time
from unite.locks import locked
with locked(sys.argv[1]):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def test_a_lock_is_waited_for_and_its_holder_is_named(tmp_path, caplog):
    path = tmp_path / "work.lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path), "0.5"], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    with caplog.at_level(logging.INFO), locked(path):
        assert holder.wait() == 0
        assert path.read_text().startswith(f"process {os.getpid()} on ")
    assert f"waiting for process {holder.pid} on " in caplog.text
    assert not any(tmp_path.iterdir())


def test_a_lock_of_a_killed_process_is_free(tmp_path):
    path = tmp_path / "work.lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path), "60"], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with locked(path):
        pass
    assert not any(tmp_path.iterdir())


def count_up(path: Path) -> None:
    for _ in range(50):
        with locked(path.with_suffix(".lock")):
            path.write_text(str(int(path.read_text()) + 1))


def test_only_one_holds_a_lock_at_a_time(tmp_path):
    path = tmp_path / "count"
    path.write_text("0")
    with ProcessPoolExecutor(4) as pool:
        for done in [pool.submit(count_up, path) for _ in range(4)]:
            done.result()
    assert path.read_text() == "200" and [left.name for left in tmp_path.iterdir()] == ["count"]
