"""What is told of a work, in a terminal and without one."""

import logging
import os
import pty
import re
import subprocess
import sys
import time

import pytest

from unite import progress
from unite.progress import Work, shown, tracked


@pytest.fixture
def lines(monkeypatch, caplog):
    """Lines at once instead of every ten seconds; returns what waits for so many of them."""
    monkeypatch.setattr(progress, "LOOK", 0.005)
    monkeypatch.setattr(progress, "TELL", 0.01)
    monkeypatch.setattr(progress, "YOUNG", 0.0)
    caplog.set_level(logging.INFO, logger="unite.progress")

    def wait_for(count):
        deadline = time.monotonic() + 30
        while len(caplog.messages) < count and time.monotonic() < deadline:
            time.sleep(0.005)
        return caplog.messages

    return wait_for


def test_a_line_comes_while_one_step_lasts_and_the_end_is_told(lines, caplog):
    with shown("packing", 1000, "rows") as work:
        work.advance(400)
        first = lines(1)[0]
        work.note = "loss 2.31"
        caplog.clear()
        second = lines(1)[0]
        work.advance(600)
    assert re.fullmatch(r"packing: 400 of 1,000 rows, [\d,.]+ rows/s, \d:\d\d:\d\d left", first)
    assert re.fullmatch(r"packing: 400 of 1,000 rows, loss 2.31, [\d,.]+ rows/s, \d:\d\d:\d\d left", second)
    assert re.fullmatch(r"packing: 1,000 of 1,000 rows, loss 2.31, took \d:\d\d:\d\d", caplog.messages[-1])


def test_the_innermost_work_is_told(lines, caplog):
    with shown("outer"):
        for item in tracked([1, 2], "inner", "tasks"):
            caplog.clear()
            assert lines(1)[-1].startswith(f"inner: {item - 1} of 2 tasks")
        caplog.clear()
        assert lines(1)[-1].startswith("outer: 0:0")


def test_a_work_that_began_just_now_is_told_as_the_longer_one_that_it_is_in(lines, monkeypatch):
    monkeypatch.setattr(progress, "YOUNG", 1000.0)
    with shown("outer") as outer, shown("short"):
        outer.began -= 2000
        assert lines(1)[0].startswith("outer: 0:33:")


def test_a_work_that_is_over_at_once_is_not_told(caplog):
    with caplog.at_level(logging.INFO), shown("quick", 3, "rows") as work:
        work.advance(3)
    assert not caplog.messages


def test_nothing_is_told_of_what_is_hidden_nor_by_another_rank(lines, monkeypatch, caplog):
    def told():
        with shown("inner"):
            time.sleep(0.05)
        return bool(caplog.messages)

    with shown("outer", how="nothing"):
        assert not told()
    monkeypatch.setenv("RANK", "1")
    assert not told()
    monkeypatch.delenv("RANK")
    assert told()


def test_an_error_within_comes_through_and_the_next_work_is_told(lines):
    with pytest.raises(ValueError, match="broken"), shown("first"):
        raise ValueError("broken")
    with shown("second"):
        assert lines(1)[0].startswith("second")


def test_a_work_is_paced_by_what_was_done_since_it_began():
    work = Work("stage", 130, "steps", 100, "bar")  # a resumed one
    work.began -= 10
    assert work.line() == "stage: 100 of 130 steps, 0:00:10 so far"
    work.advance(20)
    assert work.line() == "stage: 120 of 130 steps, 2.0 steps/s, 0:00:05 left"
    work.began -= 90
    assert work.line() == "stage: 120 of 130 steps, 12.0 steps/min, 0:00:50 left"
    work.began -= 9900
    assert work.line() == "stage: 120 of 130 steps, 7.2 steps/h, 1:23:20 left"


_IN_TERMINAL = """
import logging, sys, time
from unite import progress
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
progress.LOOK = 0.02
with progress.shown("outer", 4, "tasks"):
    for row in progress.tracked(range(4), "inner", "rows"):
        time.sleep(0.2)
    with progress.shown("last [of all]"):
        time.sleep(0.2)
        logging.info("a line of the log")
        time.sleep(0.2)
print("the end")
"""


def test_a_terminal_shows_bars_and_the_logs_lines_by_themselves():
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen([sys.executable, "-c", _IN_TERMINAL], stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    output = b""
    try:
        while chunk := os.read(ours, 4096):
            output += chunk
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert process.wait() == 0
    screen = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output.decode())
    assert re.search(r"outer +━+ 0 of 4 tasks, 0:0", screen) and re.search(r"inner +[━╸╺]+ \d of 4 rows, 0:0", screen)
    assert re.search(r"last \[of all\] +━+ 0:0", screen)
    lines = [line.rsplit("\r", 1)[-1] for line in screen.splitlines()]
    assert "a line of the log" in lines and "the end" in screen
