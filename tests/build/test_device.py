"""Where training runs, as Lightning understands it; other machines are made up."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from unite.build.device import device_arguments, device_here
from unite.config.schema import TrainerConfig
from unite.errors import ConfigError
from unite.training.parallel import PoolStrategy


def trainer(**options):
    return TrainerConfig(accelerator="cpu", **options)


def is_ours(**options):
    return isinstance(device_arguments(trainer(**options))["strategy"], PoolStrategy)


@pytest.mark.parametrize("name", ["ddp", "ddp_find_unused_parameters_true", "ddp_spawn", "fsdp", "deepspeed", "single_device", "nonsense"])
def test_strategies_that_the_step_was_not_made_for_are_refused(name):
    with pytest.raises(
        ConfigError, match=f"trainer.strategy must be one of auto, sharded, unite, but is '{name}'. Others expect one backward pass"
    ):
        device_arguments(trainer(strategy=name))


@pytest.mark.parametrize("name", ["bf16-true", "16-mixed", "16-true", "64-true", "transformer-engine", "8-nonsense"])
def test_precisions_that_were_not_tested_are_refused(name):
    with pytest.raises(ConfigError, match=f"trainer.precision must be one of 32-true, bf16-mixed, but is '{name}'. .* encoder.dtype="):
        device_arguments(trainer(precision=name))


def test_auto_is_ours_wherever_there_are_several(monkeypatch):
    assert not is_ours() and not is_ours(devices="auto") and not is_ours(devices="1")  # a CPU is one device
    assert is_ours(strategy="unite") and is_ours(strategy="sharded") and is_ours(devices=2) and is_ours(num_nodes=2)
    monkeypatch.setattr("pytorch_lightning.accelerators.CPUAccelerator.auto_device_count", staticmethod(lambda: 3))  # as on three GPUs
    assert is_ours(devices="auto")


def test_lightning_takes_the_short_names_of_a_precision():
    assert device_arguments(trainer(precision="32"))["precision"] == "32-true"
    assert device_arguments(trainer(precision="bf16"))["precision"] == "bf16-mixed"


def test_processes_that_would_not_train_together_are_refused(monkeypatch):
    message = r"trainer.devices x trainer.num_nodes must be 2, the processes that {} started, but is 1. Give trainer.devices"
    local = {"LOCAL_RANK": "0", "GROUP_RANK": "0", "LOCAL_WORLD_SIZE": "2"}
    with monkeypatch.context() as patch:
        for name, value in {"TORCHELASTIC_RUN_ID": "a", "WORLD_SIZE": "2", "RANK": "0", **local}.items():
            patch.setenv(name, value)
        with pytest.raises(ConfigError, match=message.format("torchrun")):
            device_arguments(trainer())
        assert is_ours(devices=2)
    slurm = {"NTASKS": "2", "NTASKS_PER_NODE": "2", "STEP_NUM_TASKS": "2", "JOB_NAME": "train", "PROCID": "0", "LOCALID": "0"}
    for name, value in slurm.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    with pytest.raises(ConfigError, match=message.format("srun")):
        device_arguments(trainer())
    monkeypatch.setenv("SLURM_JOB_NAME", "interactive")
    with pytest.raises(
        ConfigError, match="the name of the SLURM job must be another than bash or interactive, but is 'interactive'. Give srun"
    ):
        device_arguments(trainer(devices=2))


def test_a_rank_waits_for_others_as_long_as_the_option_says():
    assert device_arguments(trainer(devices=2, timeout_minutes=5))["strategy"]._timeout == timedelta(minutes=5)
    with pytest.raises(ConfigError, match="trainer.timeout_minutes must be above 0, but is 0"):
        trainer(timeout_minutes=0)
    with pytest.raises(ConfigError, match="trainer.lost_after_seconds must be at least 1, but is 0.5"):
        trainer(lost_after_seconds=0.5)


def test_a_gpu_is_the_device_wherever_training_would_take_it(monkeypatch):
    assert device_here("auto").type == "cpu"
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert [str(device_here(accelerator)) for accelerator in ("auto", "gpu", "cpu")] == ["cuda:0", "cuda:0", "cpu"]
    monkeypatch.setattr("unite.build.device.started", lambda: SimpleNamespace(local_rank=1))
    assert str(device_here("auto")) == "cuda:1"
