"""What a run folder refuses on resuming, and what it keeps."""

import fcntl
import os
import subprocess
import sys

import pytest
import yaml

from unite.config.schema.sweep import Keep
from unite.errors import CheckpointError, ConfigError
from unite.runs import RunFolder, read_config, remove_bare, sweep_of

CONFIG = {
    "seed": 0,
    "init_from": None,
    "encoder": {"path": "a", "attention": "sdpa", "adapter": None},
    "objective": {"temperature": 0.03, "modality_weights": None},
    "adaptation": {"optimizer": {"lr": 0.001}, "max_steps": 4},
    "data": {"num_workers": 0},
}


def resumed(folder, **changes):
    run = RunFolder(folder)
    run.write_config(yaml.safe_dump(CONFIG))
    run.write_config(yaml.safe_dump(CONFIG | changes))
    return run


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 1}, "seed of the resumed run must be 0, but is 1"),
        ({"init_from": "b"}, "init_from of the resumed run must be None, but is 'b'"),
        ({"encoder": {"path": "b"}}, "encoder.path of the resumed run must be 'a', but is 'b'"),
        ({"objective": {"temperature": 0.1}}, "objective.temperature of the resumed run must be 0.03, but is 0.1"),
        (
            {"adaptation": {"optimizer": {"lr": 1.0}}},
            r"adaptation.optimizer.lr of the resumed run must be 0.001, .*config.yaml. Resume with that",
        ),
    ],
)
def test_a_resumed_run_keeps_what_its_checkpoints_depend_on(tmp_path, changes, message):
    with pytest.raises(ConfigError, match=message):
        resumed(tmp_path, **changes)
    assert not (tmp_path / "config.resumed.yaml").exists()


def test_what_else_changed_is_said(tmp_path, caplog):
    encoder = {"path": "a", "attention": "eager", "adapter": None}
    objective = {"temperature": 0.03, "modality_weights": {}}  # an empty mapping is none
    resumed(tmp_path, data={"num_workers": 2}, encoder=encoder, objective=objective, resume=True)
    (message,) = [record.getMessage() for record in caplog.records]
    assert message.endswith("other settings: data.num_workers was 0 and is 2; encoder.attention was 'sdpa' and is 'eager'")
    assert yaml.safe_load((tmp_path / "config.yaml").read_text()) == CONFIG
    assert yaml.safe_load((tmp_path / "config.resumed.yaml").read_text())["data"] == {"num_workers": 2}
    assert read_config(tmp_path)["data"] == {"num_workers": 2}


@pytest.mark.parametrize(
    ("stage", "exported"), [("alignment", "checkpoints/first/encoder"), ("alignment", "encoder"), ("adaptation", "encoder")]
)
def test_a_stage_that_is_over_gets_no_other_number_of_steps(tmp_path, stage, exported):
    before = CONFIG | {"alignment": {"name": "first", "max_steps": 4}, "adaptation": {"name": "second", "max_steps": 4}}
    run = RunFolder(tmp_path)
    run.write_config(yaml.safe_dump(before))
    now = yaml.safe_dump(before | {stage: before[stage] | {"max_steps": 9}})
    run.write_config(now)  # goes on with it
    (tmp_path / "config.resumed.yaml").unlink()
    (tmp_path / exported).mkdir(parents=True)
    (tmp_path / exported / "config.json").touch()
    with pytest.raises(ConfigError, match=rf"{stage}.max_steps of the resumed run must be 4, but is 9. .* init_from={tmp_path}"):
        run.write_config(now)


def test_of_a_run_that_is_trained_other_settings_are_not_said_to_train(tmp_path, caplog):
    (tmp_path / "encoder").mkdir()
    (tmp_path / "encoder" / "config.json").touch()
    resumed(tmp_path, data={"num_workers": 2})
    assert "the resumed run is trained, and evaluated with other settings, if they are of that: data.num_workers was 0" in caplog.text


def test_a_broken_config_of_the_run_is_named(tmp_path):
    (tmp_path / "config.yaml").write_text("{{{")
    with pytest.raises(CheckpointError, match=r"(?s)config.yaml cannot be read .*without resume=true"):
        RunFolder(tmp_path).write_config(yaml.safe_dump(CONFIG))


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
