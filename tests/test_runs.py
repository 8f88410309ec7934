"""What a run folder refuses: another config on resuming, a broken checkpoint, a folder that is no run."""

import pytest
import torch
import yaml

from unite.errors import CheckpointError, ConfigError
from unite.runs import RunFolder, check_checkpoint, trained_encoder

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


def test_a_broken_config_of_the_run_is_named(tmp_path):
    (tmp_path / "config.yaml").write_text("{{{")
    with pytest.raises(CheckpointError, match=r"(?s)config.yaml cannot be read .*without resume=true"):
        RunFolder(tmp_path).write_config(yaml.safe_dump(CONFIG))


def test_a_checkpoint_is_whole_and_ours(tmp_path):
    path = tmp_path / "step=3.ckpt"
    torch.save({"state_dict": {"w": torch.zeros(1000)}, "global_step": 3, "pytorch-lightning_version": "2"}, path)
    check_checkpoint(path, 3)
    with pytest.raises(ConfigError, match=r"number of steps of the resumed stage must be at least 3, those of .*step=3.ckpt, but is 2"):
        check_checkpoint(path, 2)
    whole = path.read_bytes()
    for broken in (whole[: len(whole) // 2], b"", b"no checkpoint"):
        path.write_bytes(broken)
        with pytest.raises(
            CheckpointError, match=r"step=3.ckpt must be one that a run .* wrote, but is .*not readable.*Delete or replace it"
        ):
            check_checkpoint(path, 3)
    torch.save({"weights": 1}, path)
    with pytest.raises(CheckpointError, match="wrote, but is 'something else'"):
        check_checkpoint(path, 3)


class Dangerous:
    def __reduce__(self):
        return print, ("executed",)


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path, capsys):
    torch.save({"state_dict": {}, "global_step": Dangerous()}, tmp_path / "a.ckpt")
    with pytest.raises(CheckpointError, match="not readable"):
        check_checkpoint(tmp_path / "a.ckpt", 1)
    assert "executed" not in capsys.readouterr().out


def test_what_holds_no_encoder_is_named(tmp_path):
    (tmp_path / "file").touch()
    for path, is_ in ((tmp_path, "a folder without"), (tmp_path / "file", "a file"), (tmp_path / "gone", "no folder")):
        with pytest.raises(CheckpointError, match=f"must be a run folder that holds encoder/config.json.*but is '{is_}'.*resume=true"):
            trained_encoder(path)
