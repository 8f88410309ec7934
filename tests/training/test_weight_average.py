"""The average of the weights through Lightning, against a loop over the weights that each step left."""

import pytest
import pytorch_lightning as pl
import torch

from tests.training.toy import BagEncoder, batch_of, examples, fit
from unite.config.schema import AdamWConfig, MAMCLConfig
from unite.errors import CheckpointError
from unite.objective import MAMCL
from unite.training.adamw import AdamWCosine
from unite.training.module import UniteModule
from unite.training.validation import Validation
from unite.training.validator import Validated
from unite.training.weight_average import WeightAverage

DECAY = 0.7


class Weights(pl.Callback):
    """Keeps the weights that each step leaves."""

    def __init__(self):
        self.after = []

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.after.append({name: parameter.detach().clone() for name, parameter in pl_module.named_parameters()})


class Seen:
    """A validator that keeps the weights that it is shown."""

    def __init__(self):
        self.weights = []

    def prepare(self):
        pass

    def __call__(self, encoder, objective, device):
        self.weights.append({f"encoder.{name}": parameter.detach().clone() for name, parameter in encoder.named_parameters()})
        return Validated({}, float(len(self.weights)))


def average(steps):
    """By hand."""
    found = dict(steps[0])
    for weights in steps[1:]:
        found = {name: DECAY * found[name] + (1 - DECAY) * weights[name] for name in found}
    return found


def averaged(folder, ema_decay=DECAY, steps=5):
    weights, seen = Weights(), Seen()
    checkpoints = pl.callbacks.ModelCheckpoint(folder, "{step}", every_n_train_steps=1, monitor="step", mode="max", save_top_k=-1)
    batches = [batch_of(examples(20)[start : start + 6]) for start in range(steps)]
    validation = Validation(seen, 2, None, folder / "best")
    found = fit(batches, MAMCL(MAMCLConfig(temperature=0.1)), [weights, validation, checkpoints], lr=0.05, ema_decay=ema_decay)
    return found.module, weights.after, seen.weights


def test_it_is_what_is_looked_at_and_kept_as_best_and_training_goes_on_from_the_weights(tmp_path):
    module, after, seen = averaged(tmp_path)
    _, plain, _ = averaged(tmp_path / "plain", None)
    torch.testing.assert_close(after, plain, rtol=0, atol=0)
    for step, weights in zip((2, 4, 5), seen, strict=True):
        torch.testing.assert_close(weights, average(after[:step]))
        assert not torch.allclose(weights["encoder.out.weight"], after[step - 1]["encoder.out.weight"])
    checkpoint = torch.load(tmp_path / "step=3.ckpt", weights_only=True)
    torch.testing.assert_close(checkpoint["state_dict"], after[2], rtol=0, atol=0)
    assert checkpoint["average"].pop("n_averaged") == 3
    torch.testing.assert_close(checkpoint["average"], average(after[:3]))
    best = torch.load(tmp_path / "best" / "step=5.ckpt", weights_only=True)
    torch.testing.assert_close(best["state_dict"], average(after))
    assert "average" not in best
    torch.testing.assert_close(dict(module.named_parameters()), after[-1], rtol=0, atol=0)
    module.average.take()
    torch.testing.assert_close({name: one.detach() for name, one in module.named_parameters()}, average(after))


def test_the_module_gets_its_weights_back_whatever_happens():
    module = torch.nn.Linear(1, 1, bias=False)
    kept = WeightAverage(module, 0.5)
    with kept.in_place():  # of no step yet: the weights themselves
        assert kept.is_in_place
    for value in (1.0, 3.0):
        module.weight.data.fill_(value)
        kept.update()
    with pytest.raises(KeyError), kept.in_place():
        assert module.weight == 2.0
        raise KeyError
    assert module.weight == 3.0 and not kept.is_in_place


def test_a_checkpoint_without_it_or_with_another_is_refused():
    def module(**options):
        return UniteModule(BagEncoder(), MAMCL(MAMCLConfig()), AdamWCosine(AdamWConfig(**options)), 4, 100)

    plain, averaging = module(), module(ema_decay=0.9)
    checkpoint = {"state_dict": plain.state_dict(), "optimizer_states": []}
    plain.on_save_checkpoint(checkpoint)
    with pytest.raises(
        CheckpointError, match="must be of a run that averages its weights, but is 'without an average'. .*optimizer.ema_decay"
    ):
        averaging.on_load_checkpoint(checkpoint)
    averaging.on_save_checkpoint(checkpoint)
    averaging.on_load_checkpoint(checkpoint)
    del checkpoint["average"]["encoder.out.weight"]
    with pytest.raises(CheckpointError, match="the checkpoint's average must be of the parameters that are trained, but is 'of others'"):
        averaging.on_load_checkpoint(checkpoint)
