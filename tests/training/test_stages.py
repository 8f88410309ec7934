"""What is said when a stage breaks off, and what a checkpoint of other weights is told."""

import logging
import signal
from types import SimpleNamespace

import pytest
import pytorch_lightning as pl
import torch
from torch import nn

from tests.encoder.checkpoints import tiny
from tests.encoder.material import make
from tests.training.pictures import pictures
from tests.training.prepared import BreakOff, PreparedBatches
from tests.training.toy import BagEncoder
from unite.config.schema import AdafactorConfig, AdamW8bitConfig, AdamWConfig, LoRAConfig, MAMCLConfig, MuonConfig
from unite.data.collate import Collator
from unite.errors import CheckpointError, ConfigError
from unite.objective import MAMCL
from unite.runs import RunFolder
from unite.training import graph_budget
from unite.training.adafactor import AdafactorCosine
from unite.training.adamw import AdamWCosine
from unite.training.adamw_8bit import AdamW8bitCosine
from unite.training.module import UniteModule
from unite.training.muon import MuonCosine
from unite.training.signals import EndedBySignal
from unite.training.stage_checkpoint import StageCheckpoint
from unite.training.stages import Stage, check_checkpoint, train_stages


class Adapted(BagEncoder):
    processor = None

    frozen = None

    def add_adapter(self, frozen=()):
        self.frozen = frozen


def break_off(run, error):
    """Trains a stage whose trainer raises the error; returns what comes of it."""

    def fit(*arguments, **options):
        raise error

    trainer = SimpleNamespace(world_size=1, strategy=SimpleNamespace(root_device=torch.device("cpu")), fit=fit)
    mixture = SimpleNamespace(check=lambda: None, attach=lambda processor, num_steps: num_steps)
    stage = Stage("adaptation", mixture, nn.Identity(), AdamWCosine(AdamWConfig()), 5)
    with pytest.raises(BaseException) as raised:  # of any kind, as given
        train_stages([stage], run, lambda folder: Adapted(), lambda stage: trainer, 100, resume=False)
    return raised.value


def test_what_a_stage_freezes_reaches_the_encoder(tmp_path):
    encoder, names = Adapted(), ("language",)
    trainer = SimpleNamespace(world_size=1, strategy=SimpleNamespace(root_device=torch.device("cpu")), fit=raise_system_exit)
    mixture = SimpleNamespace(check=lambda: None, attach=lambda processor, num_steps: num_steps)
    stage = Stage("adaptation", mixture, nn.Identity(), AdamWCosine(AdamWConfig()), 5, frozen=names)
    with pytest.raises(SystemExit):
        train_stages([stage], RunFolder(tmp_path), lambda folder: encoder, lambda stage: trainer, 100, resume=False)
    assert encoder.frozen == names


def raise_system_exit(*arguments, **options):
    raise SystemExit(1)


def test_a_stage_that_breaks_off_says_how_to_go_on(tmp_path, caplog):
    run = RunFolder(tmp_path)
    break_off(run, SystemExit(1))  # what Lightning makes of Ctrl-C
    assert "stage adaptation broke off: there is no checkpoint yet to go on from" in caplog.text
    (run.checkpoints("adaptation") / "step=2.ckpt").touch()
    break_off(run, OSError("no space"))
    assert "the same command with resume=true goes on from" in caplog.text and "step=2.ckpt" in caplog.text
    caplog.clear()
    error = ConfigError("of the user's")  # its own message says what to do
    assert break_off(run, error) is error and not [record for record in caplog.records if record.levelno > logging.INFO]


@pytest.mark.parametrize(("error", "code"), [(EndedBySignal(signal.SIGTERM), 143), (KeyboardInterrupt(), 130), (SystemExit(1), 1)])
def test_a_signal_that_ends_a_stage_is_told_by_the_exit_status(tmp_path, error, code):
    found = break_off(RunFolder(tmp_path), error)
    assert isinstance(found, SystemExit) and found.code == code


def test_the_data_of_every_stage_is_looked_at_before_the_first_is_trained(tmp_path):
    def refuse():
        raise ConfigError("data.batch_size must be another")

    good, bad = (SimpleNamespace(check=check, attach=pytest.fail) for check in (lambda: None, refuse))
    stages = [Stage(name, mixture, nn.Identity(), AdamWCosine(AdamWConfig()), 5) for name, mixture in (("first", good), ("second", bad))]
    with pytest.raises(ConfigError, match="data.batch_size must be another"):
        train_stages(stages, RunFolder(tmp_path), lambda folder: Adapted(), pytest.fail, 100, resume=False)


@pytest.mark.parametrize("later", ["encoder/config.json", "checkpoints/adaptation/step=2.ckpt"])
def test_a_run_copied_without_the_encoder_of_an_earlier_stage_is_not_gone_on_with(tmp_path, later):
    (tmp_path / later).parent.mkdir(parents=True)
    (tmp_path / later).touch()
    stages = [Stage(name, None, nn.Identity(), AdamWCosine(AdamWConfig()), 5) for name in ("alignment", "adaptation")]
    with pytest.raises(
        CheckpointError, match="must be whole, but is 'without .*alignment/encoder, from which the stage adaptation began'. Copy"
    ):
        train_stages(stages, RunFolder(tmp_path), pytest.fail, pytest.fail, 100, resume=True)


def test_no_stage_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="number of stages must be at least 1, but is 0. Give alignment.max_steps or trainer.max_steps"):
        train_stages([], RunFolder(tmp_path), None, None, 1, False)


def test_a_checkpoint_of_other_weights_is_refused():
    def module(**settings):
        return UniteModule(BagEncoder(), MAMCL(MAMCLConfig(**settings)), AdamWCosine(AdamWConfig()), 4, 100)

    learnt = module(learnable_temperature=True)
    checkpoint = {"state_dict": learnt.state_dict()}
    learnt.on_save_checkpoint(checkpoint)
    learnt.on_load_checkpoint(checkpoint)
    name = "objective.temperature.log_temperature"
    with pytest.raises(CheckpointError, match=rf"with {name} \(\), which is not trained here.*Resume with the run's own config"):
        module().on_load_checkpoint(checkpoint)
    del checkpoint["state_dict"][name]
    with pytest.raises(CheckpointError, match=rf"with {name} missing, which is \(\) here"):
        learnt.on_load_checkpoint(checkpoint)
    checkpoint["state_dict"]["encoder.out.weight"] = torch.zeros(3, 8)
    with pytest.raises(CheckpointError, match=r"with encoder.out.weight \(3, 8\), which is \(8, 8\) here"):
        module().on_load_checkpoint(checkpoint)


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


def three_turns():
    """Batches of pictures and words."""
    return PreparedBatches(lambda processor, step: Collator(processor, 160)(pictures()[step % 3 :]))


EVERYWHERE = LoRAConfig(r=2, dropout=0.5, targets=["language", "vision", "merger"])


@pytest.mark.parametrize(
    ("encoder", "kind", "optimizer"),
    [
        ({"adapter": EVERYWHERE}, AdamWCosine, AdamWConfig(lr=0.01, ema_decay=0.5)),
        ({"adapter": LoRAConfig(r=2), "train_vision": True, "frozen": ["vision"]}, AdafactorCosine, AdafactorConfig(ema_decay=0.9)),
        ({"train_vision": True, "dtype": "bfloat16", "frozen": ["embed_tokens"]}, MuonCosine, MuonConfig(ema_decay=0.9)),
        ({}, AdamW8bitCosine, AdamW8bitConfig(lr=0.01, min_8bit_size=64)),
        ({"adapter": LoRAConfig(r=2), "quantization": "nf4"}, AdamWCosine, AdamWConfig(lr=0.01)),
    ],
    ids=["lora-adamw-average", "merger-adafactor-average", "whole-muon-average", "whole-adamw_8bit", "qlora-adamw"],
)
@pytest.mark.parametrize("graph_tokens", [1, 10**6], ids=["cached", "direct"])
def test_a_resumed_run_exports_the_bytes_of_an_undisturbed_one(tmp_path, encoder, kind, optimizer, graph_tokens):
    if kind is AdamW8bitCosine or "quantization" in encoder:
        pytest.importorskip("bitsandbytes")  # an extra, of 125 MB
    check_resumed(tmp_path, encoder, kind, optimizer, graph_tokens)


def test_so_does_one_that_found_its_budget_where_other_memory_is_free(tmp_path, monkeypatch, caplog):
    free = iter((7e6, 7e6))  # of the undisturbed run and of the broken one; the resumed one does not ask
    monkeypatch.setattr(graph_budget, "free_memory", lambda device: next(free))
    with caplog.at_level("INFO"):
        check_resumed(tmp_path, {"adapter": EVERYWHERE}, AdamWCosine, AdamWConfig(lr=0.01), "auto")
    assert "the others are passed twice" in caplog.text


def check_resumed(tmp_path, encoder, kind, optimizer, graph_tokens):
    folder = tiny(tmp_path / "tiny")

    def exported(name, *callbacks, resume=False):
        run = RunFolder(tmp_path / name)
        checkpoints = StageCheckpoint(run.checkpoints("s"), 1)
        quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
        trainer = pl.Trainer(accelerator="cpu", max_steps=4, max_epochs=1, callbacks=[*callbacks, checkpoints], **quiet)
        stage = Stage("s", three_turns(), MAMCL(MAMCLConfig(temperature=0.1)), kind(optimizer), 4)
        train_stages([stage], run, lambda _: make(folder, **encoder), lambda _: trainer, graph_tokens, resume=resume)
        return (run.encoder / "model.safetensors").read_bytes()

    whole = exported("whole")
    with pytest.raises(RuntimeError, match="broken off"):
        exported("broken", BreakOff(2))
    assert exported("broken", resume=True) == whole
    assert (folder / "model.safetensors").read_bytes() != whole
