"""What a checkpoint's name means, and what is wrong with one that means none."""

import json
import re
from pathlib import Path

import pytest

from unite.checkpoints import checkpoint_label, find_checkpoint
from unite.errors import CheckpointError
from unite.runs import RunFolder


def encoder_in(folder):
    folder.mkdir(parents=True)
    (folder / "config.json").touch()
    return folder


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A cache of the hub that holds one checkpoint, and a working folder beside it; returns what switches the hub off or on."""
    held = lambda name, file: str(tmp_path / file) if name in ("Owner/model", "model") else None  # noqa: E731
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", held)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return lambda is_offline: monkeypatch.setattr("huggingface_hub.is_offline_mode", lambda: is_offline)


@pytest.mark.parametrize("is_offline", [False, True])
def test_a_checkpoint_is_a_run_an_exported_encoder_or_a_name_on_the_hub(hub, is_offline):
    hub(is_offline)
    encoder = encoder_in(Path("runs/mine/encoder"))
    for name in ("runs/mine", Path("runs/mine"), "runs/mine/encoder", str(encoder.absolute())):
        assert Path(find_checkpoint(name)).absolute() == encoder.absolute()
    assert find_checkpoint("Owner/model") == "Owner/model" and find_checkpoint("model") == "model"
    Path("adapter").mkdir()
    Path("adapter/adapter_config.json").touch()
    assert find_checkpoint("adapter") == "adapter"
    encoder_in(Path("Owner/model"))
    assert Path(find_checkpoint("Owner/model")).is_dir()  # a folder comes first


def test_of_the_name_of_a_run_alone_its_folder_is_told(hub):
    run = Path("runs/stage2_mamcl/sweep_1/seed-0")
    encoder_in(run)
    (run / "finished").touch()
    for is_offline in (False, True):
        hub(is_offline)
        for name in ("seed-0", "sweep_1/seed-0"):
            with pytest.raises(CheckpointError, match=rf"but is '{name}, which is not there'. A run is named by its folder: {run}."):
                find_checkpoint(name)


def test_a_name_that_was_not_downloaded_is_left_to_the_hub_where_there_is_one(hub):
    hub(False)
    assert find_checkpoint("Nobody/knows") == "Nobody/knows"
    hub(True)
    with pytest.raises(CheckpointError, match="but is 'Nobody/knows, which was not downloaded before'. With HF_HUB_OFFLINE=0"):
        find_checkpoint("Nobody/knows")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("runs/mien", r"'runs/mien, which is not there'. Near it: runs/mine"),  # as if of the hub
        ("runs/stage/mien", r"'runs/stage/mien, no folder'. Check the path"),
        ("/nowhere/at/all", "'/nowhere/at/all, no folder'. Check the path"),
        ("../gone", "'../gone, no folder'"),
        ("", "', no folder'"),
        ("runs/begun", "'runs/begun, a run that is not finished'. .*resume=true"),
        ("runs/one", "'runs/one, a folder of 1 finished run'. Name one: runs/one/first"),
        ("empty", "'empty, a folder without it'"),
        ("runs/half", "'runs/half, a finished run whose encoder is not there'. Copy the run's folder again: it is not whole"),
        ("runs/file", "'runs/file, a file'"),
        ("runs/sweep", r"'runs/sweep, a folder of 2 finished runs'. Name one: runs/sweep/seed-0, runs/sweep/seed-1\."),
    ],
)
def test_what_is_no_checkpoint_is_named(hub, name, message):
    hub(False)
    encoder_in(Path("runs/mine/encoder"))
    Path("runs/file").touch()
    Path("empty").mkdir()
    RunFolder("runs/begun").write_config("seed: 0")
    RunFolder("runs/half").write_config("seed: 0")
    for finished in ("runs/half", "runs/one/first", "runs/sweep/seed-1", "runs/sweep/seed-0"):
        RunFolder(finished).finish()
    with pytest.raises(CheckpointError, match=f"init_from must be a run folder that holds encoder/config.json, .*but is {message}"):
        find_checkpoint(name, "init_from")


def test_files_of_weights_that_are_missing_are_named(tmp_path):
    files = [f"model-0000{at}-of-00003.safetensors" for at in (1, 2, 3)]
    for file in ("config.json", *files):
        (tmp_path / file).touch()
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": files[0], "b": files[1], "c": files[1], "d": files[2]}}))
    assert find_checkpoint(tmp_path) == str(tmp_path)
    for file in files[1:]:
        (tmp_path / file).unlink()
    found = f"'{tmp_path}, without 2 of its 3 files of weights: {files[1]}, {files[2]}'. Copy what is missing."
    with pytest.raises(CheckpointError, match=re.escape(f"encoder.path must be a whole checkpoint, but is {found}")):
        find_checkpoint(tmp_path, "encoder.path")
    index.write_text('{"weight_map": []}')
    with pytest.raises(CheckpointError, match="index.json is not readable .* Copy it again"):
        find_checkpoint(tmp_path)
    (tmp_path / "model.safetensors").touch()  # the one file comes first
    assert find_checkpoint(tmp_path) == str(tmp_path)


def test_a_label_tells_the_run_or_folder_wherever_it_lies(tmp_path):
    run = tmp_path / "runs" / "stage2" / "2026-01-02_03-04-05"
    (run / "encoder").mkdir(parents=True)
    (run / "config.yaml").touch()
    exported = tmp_path / "my-model"
    (exported / "encoder").mkdir(parents=True)
    assert checkpoint_label(run) == checkpoint_label(run / "encoder") == "stage2-2026-01-02_03-04-05"
    assert checkpoint_label(exported) == checkpoint_label(str(exported / "encoder")) == "my-model"
    assert checkpoint_label("friedrichor/Unite-Base-Qwen2-VL-2B") == "Unite-Base-Qwen2-VL-2B"
