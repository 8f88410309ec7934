"""`python -m unite.dashboard` as a user runs it, and `build/dashboard.py`."""

import os
import subprocess
import sys
from pathlib import Path

from tests.comparison.dashboard.material import write_sweep

ROOT = Path(__file__).parents[1]


def dashboard(*arguments, code=0):
    command = [sys.executable, "-m", "unite.dashboard", *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "200", "WANDB_MODE": "offline"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=240, env=environment)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_sweep_makes_a_page_and_w_and_bs_file(tmp_path):
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "report.html").touch()
    sweep = write_sweep(tmp_path / "s", shares=(0.2,))
    output = dashboard(sweep, f"out={tmp_path}/made/dashboard")
    assert f"The page is {tmp_path}/made/dashboard.html, 1.2 MB." in output
    assert f"report are in {tmp_path}/made/dashboard.wandb.json; the same command with --push uploads them" in output
    assert 'href="report.html"' in (tmp_path / "made" / "dashboard.html").read_text()


def test_none_is_said_without_a_traceback(tmp_path):
    output = dashboard(tmp_path, "--html", f"out={tmp_path}/d", code=1)
    assert f"{tmp_path} must be a folder of runs" in output
    assert "Traceback" not in output
    assert "give at least one run's folder, or a sweep's" in dashboard("out=x", code=2)
