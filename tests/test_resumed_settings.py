"""What a run refuses on resuming, and what of the rest it tells."""

import pytest
import yaml
from omegaconf import OmegaConf

from tests.composed import composed
from unite.config.register import CONF
from unite.errors import CheckpointError, ConfigError
from unite.runs import RunFolder, read_config

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


@pytest.mark.parametrize("encoder", sorted(path.stem for path in (CONF / "encoder").glob("*.yaml") if path.stem != "exported"))
def test_a_run_of_each_encoder_goes_on_as_it_was_begun(tmp_path, caplog, encoder):
    run = RunFolder(tmp_path)
    for resume in (False, True):
        config = composed("train", "+experiment=stage2_mamcl", f"encoder={encoder}", f"resume={resume}", f"run_folder={tmp_path}")
        run.write_config(OmegaConf.to_yaml(config, resolve=True))
    assert not caplog.records and read_config(tmp_path)["resume"] is True
