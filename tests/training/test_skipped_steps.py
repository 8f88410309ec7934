"""A gradient that is not finite under a finite loss, through Lightning: nothing moves, and it is told."""

import json

import pytest
import pytorch_lightning as pl
import torch
from torch import nn

from tests.training.toy import batch_of, examples, fit
from unite.config.schema import MAMCLConfig
from unite.errors import ConfigError, TrainingError
from unite.objective import MAMCL
from unite.training.skipped_steps import SkippedSteps


class Overflowing(nn.Module):
    """MAMCL, its gradient infinite in some steps, as a backward pass in half precision may make it."""

    def __init__(self, *steps):
        super().__init__()
        self.objective, self.steps, self.count = MAMCL(MAMCLConfig(temperature=0.1)), steps, 0

    def forward(self, embeddings, relations, rows=None):
        if self.count in self.steps and embeddings.requires_grad:
            embeddings.register_hook(lambda gradient: gradient * torch.inf)
        self.count += 1
        return self.objective(embeddings, relations, rows)


class Weights(pl.Callback):
    """Keeps the weights as each step leaves them."""

    def __init__(self):
        self.after = []

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.after.append(torch.cat([parameter.detach().flatten() for parameter in pl_module.parameters()]))


def batches(count):
    return [batch_of(examples(20)[start : start + 6]) for start in range(count)]


def test_the_step_moves_nothing_and_is_named_and_the_next_ones_are_taken(tmp_path, caplog):
    weights, undisturbed = Weights(), Weights()
    done = fit(batches(5), Overflowing(2), [SkippedSteps(tmp_path, 1), weights], weight_decay=0.1, ema_decay=0.9)
    same = fit(batches(5), Overflowing(), [SkippedSteps(tmp_path, 1), undisturbed], weight_decay=0.1)
    assert torch.equal(weights.after[1], undisturbed.after[1]) and torch.equal(weights.after[2], weights.after[1])
    assert not torch.equal(weights.after[3], weights.after[2]) and torch.isfinite(weights.after[4]).all()
    assert done.module.average.state_dict()["n_averaged"] == 4  # it is no part of the average
    (line,) = (json.loads(line) for line in (tmp_path / "skipped_steps-rank0.jsonl").read_text().splitlines())
    assert (line["step"], line["gradient_norm"], line["keys"]) == (2, "nan", [f"row{at}" for at in range(2, 8)])
    assert 0 < line["loss"] < 100 and done.rows[3]["train/skipped_steps"] == 1
    assert "step 2 is not taken (1 so far): the norm of its gradient is nan; its samples are named in" in caplog.text
    assert done.trainer.global_step == same.trainer.global_step == 5  # it counts: what comes after has its place
    assert done.module.lr_schedulers().get_last_lr() == same.module.lr_schedulers().get_last_lr()


def test_too_many_end_the_run_and_the_last_checkpoint_is_good(tmp_path):
    checkpoints = pl.callbacks.ModelCheckpoint(tmp_path, "{step}", every_n_train_steps=1, monitor="step", mode="max")
    message = r"steps with a gradient that is not finite must be at most 1 \(trainer.max_skipped_steps\), but is 2. .*resume=true"
    with pytest.raises(TrainingError, match=message):
        fit(batches(6), Overflowing(2, 4), [SkippedSteps(tmp_path, 1), checkpoints])
    checkpoint = torch.load(tmp_path / "step=4.ckpt", weights_only=True)
    assert checkpoint["global_step"] == 4 and all(torch.isfinite(value).all() for value in checkpoint["state_dict"].values())
    states = [state for key, state in checkpoint["callbacks"].items() if key.startswith("SkippedSteps")]
    assert states == [{"num_skipped": 1}]
    again = SkippedSteps(tmp_path, 1)
    again.load_state_dict(states[0])
    assert again.num_skipped == 1


def test_the_bound_must_be_a_number():
    with pytest.raises(ConfigError, match="trainer.max_skipped_steps must be at least 0, but is -1"):
        SkippedSteps(None, -1)
