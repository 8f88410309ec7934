"""What the module relies on of its optimizers, and what it lets into a checkpoint."""

import pytest
import torch

from tests.training.toy import BagEncoder
from unite.config.schema import AdafactorConfig, AdamWConfig, MAMCLConfig, MuonConfig
from unite.errors import TrainingError
from unite.objective import MAMCL
from unite.training.adafactor import AdafactorCosine
from unite.training.adamw import AdamWCosine
from unite.training.module import UniteModule
from unite.training.muon import MuonCosine


def module(builder):
    return UniteModule(BagEncoder(), MAMCL(MAMCLConfig(learnable_temperature=True)), builder, 4, 100)


BUILDERS = [
    AdamWCosine(AdamWConfig(weight_decay=0.5)),
    MuonCosine(MuonConfig(weight_decay=0.5)),
    AdafactorCosine(AdafactorConfig(weight_decay=0.5)),
]


@pytest.mark.parametrize("builder", BUILDERS)
def test_a_step_without_gradients_moves_nothing(builder):
    trained = module(builder)
    (optimizer,), _ = trained.configure_optimizers()
    for parameter in trained.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    before = [parameter.clone() for parameter in trained.parameters()]
    optimizer.zero_grad(set_to_none=True)
    optimizer.step()
    assert all(torch.equal(*pair) for pair in zip(before, trained.parameters(), strict=True))


def test_weights_that_are_not_finite_are_in_no_checkpoint():
    trained = module(AdamWCosine(AdamWConfig()))
    trained.on_save_checkpoint({"state_dict": trained.state_dict()})
    with torch.no_grad():
        trained.encoder.out.weight[0, 0] = torch.inf
    with pytest.raises(TrainingError, match="the weights of encoder.out.weight must be finite, but is 'not'. No checkpoint is written"):
        trained.on_save_checkpoint({"state_dict": trained.state_dict()})
