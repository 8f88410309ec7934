"""What the build says of values that only other packages can judge."""

from types import SimpleNamespace

import pytest
from hydra import compose, initialize_config_dir
from pytorch_lightning.loggers import WandbLogger

from unite import build
from unite.config.register import CONF, register
from unite.errors import CheckpointError, ConfigError
from unite.runs import RunFolder


def composed(command, *overrides):
    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(command, overrides)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("trainer.precision=8-nonsense", "refuses the config group trainer: Precision '8-nonsense' is invalid. Allowed.*bf16-mixed"),
        ("trainer.accelerator=toaster", "refuses the config group trainer: .*invalid accelerator name.*toaster.*cpu"),
        ("trainer.devices=0", r"refuses the config group trainer: .*devices=0"),
        ("trainer.num_nodes=0", "refuses the config group trainer: .*num_nodes.* must be a positive integer"),
        ("+trainer.options.foo=1", "refuses the config group trainer: .*unexpected keyword argument 'foo'"),
        ("trainer.checkpoint_every_n_steps=0", "trainer.checkpoint_every_n_steps must be at least 1, but is 0"),
        ("trainer.log_every_n_steps=0", "trainer.log_every_n_steps must be at least 1, but is 0"),
        ("data.max_skipped_share=2", "data.max_skipped_share must be from 0 to 1, but is 2.0"),
    ],
)
def test_what_the_trainer_refuses_is_said(tmp_path, override, message):
    stage = SimpleNamespace(name="adaptation", num_steps=1)
    with pytest.raises(ConfigError, match=message):
        build.build_trainer(composed("train", "trainer.accelerator=cpu", override), stage, RunFolder(tmp_path), [])


@pytest.mark.parametrize("name", ["alignment.max_steps", "trainer.max_steps"])
def test_steps_below_zero_are_refused(name):
    with pytest.raises(ConfigError, match=f"{name} must be at least 0 .*, but is -3"):
        build.build_stages(composed("train", f"{name}=-3"))


@pytest.mark.parametrize(("device", "hint"), [("toaster", ""), ("cuda:99", "torch sees")])
def test_a_device_that_is_not_there_is_refused(device, hint):
    with pytest.raises(ConfigError, match=f"device must be auto, cpu, cuda, or cuda:<number>.*, but is '{device}'.*{hint}"):
        build.build_trained_encoder(composed("evaluate", "checkpoint=x", f"device={device}"))


def test_a_checkpoint_that_is_not_there_is_no_hub_name(tmp_path):
    with pytest.raises(CheckpointError, match="nowhere must be a run folder that holds encoder/config.json.*but is 'no folder'"):
        build.build_trained_encoder(composed("evaluate", f"checkpoint={tmp_path}/nowhere", "device=cpu"))


def test_an_unknown_modality_has_no_weight():
    config = composed("train", "+objective.modality_weights.audio=2")
    with pytest.raises(Exception, match="modality must be one of image, text, video, but is 'audio'"):
        build.build(config.objective)


def test_online_logging_without_an_account_is_refused_before_anything_begins(tmp_path, monkeypatch):
    from wandb.errors import UsageError

    def no_account(self):
        raise UsageError("No API key configured.")

    monkeypatch.setattr(WandbLogger, "experiment", property(no_account))
    config = composed("train", "logger=csv_wandb", "logger.wandb=online")
    with pytest.raises(ConfigError, match=r"logger.wandb=online needs an account .*No API key.*logger.wandb=offline"):
        build.build_loggers(config, RunFolder(tmp_path))


def test_a_runs_root_that_is_a_file_ends_with_its_message(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit, match="runs_root must be a folder that can be written, but is .*file"):
        _ = composed("train", f"runs_root={tmp_path}/file").run_folder
