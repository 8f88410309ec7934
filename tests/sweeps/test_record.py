"""What a sweep remembers of its jobs, and what `table.py` shows of them."""

import json

import pytest
from rich.console import Console

from unite.errors import CheckpointError, ConfigError
from unite.sweeps.record import Status, Sweep, SweepJob, flat, run_folders
from unite.sweeps.table import table

CONFIG = flat(
    {"seed": 0, "mixture": {"shares": {"t2i": 1.0}}, "trainer": {"max_steps": 5}, "logger": {"csv": True}, "sweep": {"keep": "last"}}
)


def sweep(folder, *changes):
    jobs = [SweepJob(f"seed-{seed}", [f"seed={seed}"], {"seed": str(seed)}, CONFIG | {"seed": seed} | dict(changes)) for seed in range(3)]
    return Sweep(folder, ["seed=0,1,2"], jobs)


def finish(sweep, number, score=None):
    folder = sweep.path(sweep.jobs[number])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "overrides.json").write_text("[]")
    (folder / "finished").touch()
    if score is not None:
        (folder / "metrics.json").write_text(json.dumps({"score": score}))


def test_what_is_written_is_read(tmp_path):
    made = sweep(tmp_path)
    odd = made.jobs[2]
    made.jobs[2] = SweepJob(odd.folder, odd.overrides, odd.differing, {"seed": 2, "other": [1, {"a": None}]})
    made.write()
    assert Sweep.read(tmp_path) == made


def test_a_job_is_what_its_folder_tells(tmp_path):
    made = sweep(tmp_path)
    finish(made, 0, 0.25)
    made.path(made.jobs[1]).mkdir()
    (made.path(made.jobs[1]) / "overrides.json").write_text("[]")
    assert [made.status(job) for job in made.jobs] == [Status.finished, Status.broken_off, Status.left]
    assert [made.score(job) for job in made.jobs] == [0.25, None, None]
    console = Console(record=True, width=120)
    console.print(table(made, {"seed-1": "SIGKILL, as when memory runs out"}))
    lines = console.export_text().splitlines()
    assert lines[0].strip() == "1 of 3 jobs finished"
    shown = [line.split() for line in lines if "seed=" in line]
    assert shown[0] == ["0", "seed=0", "finished", "0.2500", "seed-0"]
    assert " ".join(shown[1]) == "1 seed=1 failed: SIGKILL, as when memory runs out - seed-1"
    assert " ".join(shown[2]) == "2 seed=2 not started - seed-2"


def test_the_report_takes_the_finished_jobs(tmp_path):
    made = sweep(tmp_path)
    assert run_folders(tmp_path) is None  # no sweep
    made.write()
    with pytest.raises(CheckpointError, match="must be one with a finished job, but is '3 jobs, none finished'"):
        run_folders(tmp_path)
    finish(made, 1)
    assert run_folders(tmp_path) == [tmp_path / "seed-1"]


def test_a_resumed_sweep_keeps_its_jobs_and_their_config(tmp_path):
    made = sweep(tmp_path)
    made.refuse_changes(sweep(tmp_path))
    made.refuse_changes(sweep(tmp_path, ("logger.csv", False), ("sweep.keep", "none"), ("resume", True)))
    with pytest.raises(ConfigError, match=r"but changed: mixture.shares.t2i was 1.0 and is 2.0 \(all jobs\). Go on with the options"):
        made.refuse_changes(sweep(tmp_path, ("mixture.shares.t2i", 2.0)))
    other = sweep(tmp_path)
    other.jobs[1].config["trainer.max_steps"] = 6
    with pytest.raises(ConfigError, match=r"trainer.max_steps was 5 and is 6 \(seed-1\)"):
        made.refuse_changes(other)
    more = Sweep(tmp_path, [], [*made.jobs[1:], SweepJob("seed-7", [], {}, CONFIG)])
    with pytest.raises(
        ConfigError, match="jobs of the resumed sweep .* must be those it was begun with, but is 'with seed-7 and without seed-0'"
    ):
        made.refuse_changes(more)
