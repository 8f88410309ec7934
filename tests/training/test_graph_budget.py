"""Which micro-batches keep their activations: by hand, with made-up measures, and against the tensors of real steps."""

from itertools import pairwise

import pytest
import torch

from tests.encoder.checkpoints import tiny
from tests.encoder.material import make
from tests.training.pictures import pictures
from unite.batch import MicroBatch
from unite.config.schema import LoRAConfig, MAMCLConfig
from unite.data.collate import Collator
from unite.live import LiveBytes
from unite.objective import MAMCL
from unite.training import graph_budget
from unite.training.graph_budget import GraphBudget, Measured
from unite.training.step import ContrastiveStep


def micro(tokens, media=0):
    ids = torch.zeros(1, tokens, dtype=torch.int64)
    return MicroBatch(ids[:, 0], ids, ids, ids, {"pixels": torch.zeros(media, dtype=torch.uint8)} if media else {})


def measure(some):
    """A token keeps 10 bytes and needs 2 beside; a byte of media keeps 5, and 3 of features."""
    media = sum(tensor.nbytes for tensor in some.media.values())
    return Measured(10 * some.input_ids.numel() + 5 * media, 2 * some.input_ids.numel(), 3 * media)


STEP = [micro(100, 20), micro(80, 10), micro(60), micro(40)]  # keep 1100, 850, 600, 400


def budget_with(monkeypatch, room, steps=(STEP, STEP)):
    monkeypatch.setattr(graph_budget, "free_memory", lambda device: room / 0.3 + 7)  # the share of a CPU
    budget = GraphBudget()
    for step in steps:
        budget.look(step, measure, 7)
    return budget


@pytest.mark.parametrize(
    ("room", "num_replayed"),
    [
        (569, 4),
        (571, 3),  # 400 and 80 beside; features of the others are 90
        (1000 + 120 + 90 - 1, 3),
        (1000 + 120 + 90 + 1, 2),
        (1850 + 160 + 60 + 1, 1),
        (2950 + 560 - 1, 1),  # all in one pass: what they need beside is there together
        (2950 + 560 + 1, 0),
    ],
)
def test_as_many_are_kept_as_there_is_room_for(monkeypatch, room, num_replayed):
    assert budget_with(monkeypatch, room).num_replayed(STEP) == num_replayed


def test_the_first_step_keeps_none_and_one_micro_batch_alone_is_kept(monkeypatch):
    budget = budget_with(monkeypatch, 1e9, [STEP])
    assert budget.num_replayed(STEP) == 4 and budget.num_replayed(STEP[:1]) == 0


def test_what_is_told(monkeypatch, caplog):
    with caplog.at_level("INFO"):
        budget_with(monkeypatch, 2e3, [STEP] * 4)
    assert len(caplog.records) == 1
    assert "2e-06 GB for activations of 6.67e-06 GB that are free; of this batch 2 of 4 micro-batches keep theirs" in caplog.text
    assert "the others are passed twice" in caplog.text


def test_media_that_come_later_are_measured_then(monkeypatch):
    texts = [micro(60), micro(40)]
    room = 2950 + 560 + 1
    budget = budget_with(monkeypatch, room, [texts, texts])
    assert budget.num_replayed(STEP) == 0  # not known better
    budget.look(STEP, measure, 0)
    assert budget.num_replayed(STEP) == budget_with(monkeypatch, room).num_replayed(STEP)
    budget.look(STEP, pytest.fail, 0)


def test_a_step_that_ran_out_of_memory_has_half_of_what_it_took(monkeypatch):
    budget = budget_with(monkeypatch, 1e9)
    kept = [4 - budget.num_replayed(STEP)]
    while budget.halve(STEP):
        kept.append(4 - budget.num_replayed(STEP))
    assert kept[0] == 4 and kept[-1] == 0 and all(before > after for before, after in pairwise(kept))


def test_a_checkpoint_keeps_it_and_another_machine_measures_anew(monkeypatch):
    state = budget_with(monkeypatch, 2000).state()
    monkeypatch.setattr(graph_budget, "free_memory", lambda device: 1e12)
    here, other = GraphBudget(), GraphBudget()
    here.load(state)
    here.look(STEP, pytest.fail, 0)
    other.load(state | {"place": "8 x cpu 1"})
    other.look(STEP, measure, 0)
    assert (here.num_replayed(STEP), other.num_replayed(STEP)) == (2, 0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny(tmp_path_factory.mktemp("tiny"))


@pytest.mark.parametrize(
    "options",
    [{"train_vision": True, "gradient_checkpointing": True}, {"adapter": LoRAConfig(r=2, dropout=0.0)}],
    ids=["whole, checkpointing", "lora"],
)
def test_real_steps_take_no_more_than_the_room_and_give_the_same_gradients(folder, monkeypatch, options):
    encoder = make(folder, **options).train()
    encoder.add_adapter()
    batch = Collator(encoder.processor, 160)(pictures())
    found = {}
    for room in (1.5e6, 1e9):
        monkeypatch.setattr(graph_budget, "free_memory", lambda device, room=room: room / 0.3 + 1e9)
        monkeypatch.setattr(graph_budget.GraphBudget, "look", with_gradients_of(1e9))
        step = ContrastiveStep(encoder, MAMCL(MAMCLConfig(temperature=0.1)), "auto")
        for _ in range(2):
            encoder.zero_grad(set_to_none=True)
            step(batch, torch.Tensor.backward)
        for parameter in encoder.parameters():
            parameter.grad = torch.zeros_like(parameter) if parameter.requires_grad else None
        with LiveBytes() as live:
            step(batch, torch.Tensor.backward)
        gradient = torch.cat([one.grad.flatten() for one in encoder.parameters() if one.grad is not None])
        found[room] = (step.num_replayed(batch), live.peak, gradient)
    assert 0 < found[1.5e6][0] < len(batch.micro_batches) and found[1e9][0] == 0
    for room, (_, peak, gradient) in found.items():
        assert peak < 1.1 * room  # the loss's own is not reckoned with
        torch.testing.assert_close(gradient, found[1e9][2], rtol=1e-4, atol=1e-5 * float(gradient.abs().max()))


def with_gradients_of(size, look=GraphBudget.look):
    """As if the gradients took so much: the room is then what is asked for."""
    return lambda self, micro_batches, measure, taken, **more: look(self, micro_batches, measure, size, **more)
