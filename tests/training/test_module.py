"""What the module relies on of its optimizers, and what it lets into a checkpoint."""

import weakref

import pytest
import torch

from tests.training.toy import BagEncoder, batch_of, examples, fit, seeded_encoder
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


class SmallDevice(BagEncoder):
    """Runs out of memory where the graphs of more micro-batches than it has room for are alive, as a GPU does."""

    room = 3

    def together(self, micro_batches):
        return [self(micro) for micro in micro_batches]

    def forward(self, micro, media_features=None):
        self.alive = [graph for graph in getattr(self, "alive", []) if graph() is not None]
        if torch.is_grad_enabled() and len(self.alive) >= self.room:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        found = super().forward(micro, media_features)
        if torch.is_grad_enabled():
            self.alive.append(weakref.ref(found))
        return found


def small_device(room):
    encoder = SmallDevice(dropout=0.5)
    encoder.load_state_dict(seeded_encoder().state_dict())
    encoder.room = room
    return encoder


def test_a_step_that_runs_out_of_memory_is_done_again_with_less(caplog):
    batches = [batch_of(examples(20)) for _ in range(4)]
    objective = MAMCL(MAMCLConfig(temperature=0.1))
    found = [fit(batches, objective, [], graph_tokens="auto", encoder=small_device(room)).module.encoder for room in (3, 1000)]
    expected = fit(batches, objective, [], graph_tokens=1, encoder=small_device(1000)).module.encoder
    for one in found:  # its dropout too is that of a step that ran through
        torch.testing.assert_close(dict(one.named_parameters()), dict(expected.named_parameters()))
    assert 1 <= caplog.text.count("ran out of memory: graphs are given half of what they took, and the step is done again") <= 4


@pytest.mark.parametrize(
    ("graph_tokens", "room", "hint"),
    [("auto", 0, r"Set a smaller data.token_budget, encoder.gradient"), (10_000, 3, r"Set trainer.graph_tokens below \d+, a smaller")],
)
def test_where_memory_does_not_suffice_the_option_is_told(graph_tokens, room, hint):
    message = rf"must be at most what the device has, but is 'more, with micro-batches of up to \d+ tokens'. {hint}"
    with pytest.raises(TrainingError, match=message):
        fit([batch_of(examples(20))], MAMCL(MAMCLConfig(temperature=0.1)), [], graph_tokens=graph_tokens, encoder=small_device(room))


def test_weights_that_are_not_finite_are_in_no_checkpoint():
    trained = module(AdamWCosine(AdamWConfig()))
    trained.on_save_checkpoint({"state_dict": trained.state_dict()})
    with torch.no_grad():
        trained.encoder.out.weight[0, 0] = torch.inf
    with pytest.raises(TrainingError, match="the weights of encoder.out.weight must be finite, but is 'not'. No checkpoint is written"):
        trained.on_save_checkpoint({"state_dict": trained.state_dict()})
