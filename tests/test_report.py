"""`python -m unite.report` as a user runs it."""

import os
import subprocess
import sys
from pathlib import Path

from tests.comparison.material import make_config, make_suite, write_run
from unite.sweeps.record import Sweep, SweepJob

ROOT = Path(__file__).parents[1]


def report(*arguments, code=0):
    command = [sys.executable, "-m", "unite.report", *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120, env=environment)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_two_runs_make_a_page_and_its_text(tmp_path):
    a = write_run(tmp_path / "a", make_suite(0.2, num=100))
    b = write_run(tmp_path / "b", make_suite(0.8, 9, num=100), config=make_config(0, optimizer={"lr": 0.1}))
    output = report(a, f"better={b}", f"out={tmp_path}/made/report")
    assert "better wins: mean R@1" in output
    assert f"The page is {tmp_path}/made/report.html, the tables are {tmp_path}/made/report.md." in output
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["report.html", "report.md"]


def test_a_sweep_stands_for_its_finished_jobs(tmp_path):
    for name, recall in (("lr-1", 0.2), ("lr-2", 0.8)):
        write_run(tmp_path / name, make_suite(recall, num=100), config=make_config(0, optimizer={"lr": recall}))
        (tmp_path / name / "finished").touch()
    Sweep(tmp_path, [], [SweepJob(name, [], {"lr": name}, {}) for name in ("lr-1", "lr-2", "lr-3")]).write()
    assert "lr-2 wins: mean R@1" in report(tmp_path, f"out={tmp_path}/report")


def test_a_folder_that_is_no_run_is_said_without_a_traceback(tmp_path):
    output = report(tmp_path, code=1)
    assert f"{tmp_path} must be a run folder" in output
    assert "Traceback" not in output


def test_help_and_a_wrong_command_line():
    output = report("--help")
    assert "the first is the baseline" in output
    assert "give at least one run's folder" in report("out=x", code=2)
    assert "out must be a file's path" in report("run", "out=", code=2)
