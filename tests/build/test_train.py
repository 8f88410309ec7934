"""What the build says of values that only other packages can judge."""

from types import SimpleNamespace

import pytest
from pytorch_lightning.loggers import WandbLogger

from tests.composed import composed
from unite.build.train import build_loggers, build_stages, build_trainer
from unite.errors import ConfigError
from unite.runs import RunFolder


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("trainer.precision=8-nonsense", "trainer.precision must be one of 32-true, bf16-mixed, but is '8-nonsense'"),
        ("trainer.accelerator=toaster", "refuses the config group trainer: .*invalid accelerator name.*toaster.*cpu"),
        ("trainer.devices=0", r"refuses the config group trainer: .*devices=0"),
        ("trainer.num_nodes=0", "refuses the config group trainer: .*num_nodes.* must be a positive integer"),
        ("+trainer.options.foo=1", "refuses the config group trainer: .*unexpected keyword argument 'foo'"),
        ("trainer.log_every_n_steps=0", "trainer.log_every_n_steps must be at least 1, but is 0"),
        ("trainer.health_every_n_steps=-1", "trainer.health_every_n_steps must be at least 1, or 0 for never, but is -1"),
        ("data.max_skipped_share=2", "data.max_skipped_share must be from 0 to 1, but is 2.0"),
    ],
)
def test_what_the_trainer_refuses_is_said(tmp_path, override, message):
    stage = SimpleNamespace(name="adaptation", num_steps=1, validation=None, mixture=SimpleNamespace(source_names=["t2t"]))
    with pytest.raises(ConfigError, match=message):
        build_trainer(composed("train", "trainer.accelerator=cpu", override), stage, RunFolder(tmp_path), [])


@pytest.mark.parametrize("name", ["alignment.max_steps", "trainer.max_steps"])
def test_steps_below_zero_are_refused(tmp_path, name):
    with pytest.raises(ConfigError, match=f"{name} must be at least 0 .*, but is -3"):
        build_stages(composed("train", f"{name}=-3"), RunFolder(tmp_path))


def test_online_logging_without_an_account_is_refused_before_anything_begins(tmp_path, monkeypatch):
    from wandb.errors import UsageError

    def no_account(self):
        raise UsageError("No API key configured.")

    monkeypatch.setattr(WandbLogger, "experiment", property(no_account))
    config = composed("train", "logger=csv_wandb", "logger.wandb=online")
    with pytest.raises(ConfigError, match=r"logger.wandb=online needs an account .*No API key.*logger.wandb=offline"):
        build_loggers(config, RunFolder(tmp_path))
