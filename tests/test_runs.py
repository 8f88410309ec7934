"""What a run folder refuses on resuming, and what it keeps."""

import fcntl
import os
import subprocess
import sys

import pytest

from unite.config.schema.sweep import Keep
from unite.runs import RunFolder, remove_bare, sweep_of


def started(folder):
    """What Hydra and we write before a run does anything."""
    (folder / "hydra").mkdir(parents=True)
    (folder / "hydra" / "hydra.yaml").write_text("{}")
    (folder / "train.log").write_text("an error")
    run = RunFolder(folder)
    run.write_config("seed: 0")
    run.write_overrides([])
    run.checkpoints("alignment")
    return folder


def test_a_run_that_made_nothing_is_removed_and_what_is_empty_without_it(tmp_path):
    (tmp_path / "mine").mkdir()
    remove_bare(started(tmp_path / "mine" / "runs" / "stage2" / "a"), "stage2")
    assert list((tmp_path / "mine").iterdir()) == []
    remove_bare(started(tmp_path / "mine" / "a"), "stage2")  # a folder that was named by the user
    assert list((tmp_path / "mine").iterdir()) == []
    (tmp_path / "runs" / "stage2" / "before").mkdir(parents=True)
    remove_bare(started(tmp_path / "runs" / "stage2" / "a"), "stage2")
    assert [path.name for path in (tmp_path / "runs" / "stage2").iterdir()] == ["before"]


@pytest.mark.parametrize("made", ["metrics.json", "checkpoints/alignment/last.ckpt", "log/metrics.csv", "notes.txt"])
def test_a_run_that_made_something_stays(tmp_path, made):
    folder = started(tmp_path / "stage2" / "a")
    (folder / made).parent.mkdir(exist_ok=True)
    (folder / made).touch()
    remove_bare(folder, "stage2")
    assert (folder / made).exists() and (folder / "config.yaml").exists() and (folder / "hydra" / "hydra.yaml").exists()


def finished_run(folder):
    run = RunFolder(folder)
    for path in ("alignment/step=2.ckpt", "alignment/encoder/config.json", "adaptation/step=4.ckpt", "adaptation/best/step=3.ckpt"):
        (folder / "checkpoints" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "checkpoints" / path).touch()
    (folder / "encoder").mkdir()
    return run


@pytest.mark.parametrize(
    ("keep", "left"),
    [
        (Keep.last, ["adaptation/step=4.ckpt"]),
        (Keep.best, ["adaptation/best/step=3.ckpt"]),
        (Keep.stages, ["alignment/encoder/config.json"]),
        (Keep.none, []),
    ],
)
def test_of_a_finished_run_the_checkpoints_asked_for_stay(tmp_path, keep, left):
    run = finished_run(tmp_path)
    for _ in range(2):  # what is thin stays as it is
        run.thin(keep, "adaptation")
        found = [path for path in (tmp_path / "checkpoints").rglob("*") if path.is_file()]
        assert [path.relative_to(tmp_path / "checkpoints").as_posix() for path in found] == left and run.encoder.is_dir()
        assert {path.name for path in (tmp_path / "checkpoints").iterdir()} == {"adaptation", *(path.split("/")[0] for path in left)}


def test_the_last_checkpoint_is_that_of_the_last_step_whatever_the_files_times(tmp_path):
    run = RunFolder(tmp_path)
    for age, step in enumerate((10, 9, 100)):  # a copy need not keep their times
        path = run.checkpoints("adaptation") / f"step={step}.ckpt"
        path.touch()
        os.utime(path, (1000 - age, 1000 - age))
    assert run.last_checkpoint("adaptation").name == "step=100.ckpt" and run.last_checkpoint("alignment") is None


def test_two_processes_cannot_go_on_with_one_run(tmp_path):
    code = f"from unite.runs import RunFolder; RunFolder({str(tmp_path)!r}).hold(); print('held', flush=True); input()"
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    with (tmp_path / "lock").open() as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    holder.communicate("\n", timeout=60)
    assert not (tmp_path / "lock").exists()


def test_a_run_tells_its_sweep(tmp_path):
    assert sweep_of(tmp_path / "job", {"sweep": {"folder": "runs/x/sweep_1"}}) == "sweep_1"
    assert sweep_of(tmp_path / "job", {"sweep": {"folder": None}}) is None
    (tmp_path / "multirun.yaml").touch()  # as commit 36027d0 and earlier left it
    assert sweep_of(tmp_path / "job", {}) == tmp_path.name
