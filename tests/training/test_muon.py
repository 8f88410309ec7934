"""Muon and AdamW as one optimizer, against torch's own of each."""

import copy
import math

import pytest
import torch
from torch import nn

from unite.config.schema import MuonConfig
from unite.errors import ConfigError
from unite.training.muon import MuonCosine


def network():
    torch.manual_seed(0)
    return nn.ModuleDict({"words": nn.Embedding(5, 4), "pixels": nn.Conv1d(2, 4, 2), "up": nn.Linear(4, 8), "norm": nn.LayerNorm(8)})


def take_steps(model, optimizer, schedule, count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(count):
        for parameter in model.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        optimizer.step()
        schedule.step()


def test_it_steps_as_torchs_own_two_do():
    model, config = (
        network(),
        MuonConfig(warmup_ratio=0.0, final_lr_ratio=1.0, muon_lr=0.02, muon_weight_decay=0.1, lr=0.003, weight_decay=0.2),
    )
    expected = copy.deepcopy(model)
    take_steps(model, *MuonCosine(config).build(model, 4), 3)
    vectors = [expected["pixels"].bias, expected["up"].bias, *expected["norm"].parameters()]
    own = [
        torch.optim.Muon([expected["up"].weight], lr=0.02, momentum=0.95, weight_decay=0.1),
        torch.optim.AdamW([expected["words"].weight, expected["pixels"].weight], lr=0.003, betas=(0.9, 0.98), weight_decay=0.2),
        torch.optim.AdamW(vectors, lr=0.003, betas=(0.9, 0.98), weight_decay=0.0),
    ]
    generator = torch.Generator().manual_seed(0)
    for _ in range(3):
        for parameter in expected.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        for optimizer in own:
            optimizer.step()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter, expected.get_parameter(name), rtol=1e-6, atol=1e-7)


def test_the_schedule_moves_both_rates():
    model = network()
    optimizer, schedule = MuonCosine(MuonConfig(muon_lr=0.02, lr=0.001, warmup_ratio=0.5)).build(model, 4)
    rates = []
    for _ in range(4):
        rates.append([group["lr"] for group in optimizer.param_groups])
        take_steps(model, optimizer, schedule, 1)
    factors = [1 / 3, 2 / 3, 1.0, 0.5]
    assert [muon for muon, *_ in rates] == pytest.approx([0.02 * factor for factor in factors])
    assert [other for _, *others in rates for other in others] == pytest.approx([0.001 * factor for factor in factors for _ in range(2)])


def test_a_saved_state_goes_on_the_same(tmp_path):
    whole, halved = network(), network()
    take_steps(whole, *MuonCosine(MuonConfig()).build(whole, 10), 6)
    optimizer, schedule = MuonCosine(MuonConfig()).build(halved, 10)
    generator = torch.Generator().manual_seed(0)
    for at in range(6):
        if at == 3:
            torch.save({"optimizer": optimizer.state_dict(), "schedule": schedule.state_dict()}, tmp_path / "state")
            state = torch.load(tmp_path / "state", weights_only=True)
            optimizer, schedule = MuonCosine(MuonConfig()).build(halved, 10)
            optimizer.load_state_dict(state["optimizer"])
            schedule.load_state_dict(state["schedule"])
        for parameter in halved.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        optimizer.step()
        schedule.step()
    assert all(torch.equal(one, other) for one, other in zip(whole.parameters(), halved.parameters(), strict=True))


def test_what_is_frozen_is_left_and_one_kind_alone_is_enough():
    model = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3).requires_grad_(False))
    optimizer, _ = MuonCosine(MuonConfig()).build(model, 10)
    assert [parameter for group in optimizer.param_groups for parameter in group["params"]] == [model[0].weight]
    optimizer, _ = MuonCosine(MuonConfig()).build(nn.LayerNorm(3), 10)
    assert len(optimizer.param_groups) == 1
    with pytest.raises(ConfigError, match="nothing is trained"):
        MuonCosine(MuonConfig()).build(model[1], 10)


def test_an_older_torch_is_named(monkeypatch):
    monkeypatch.delattr(torch.optim, "Muon")
    with pytest.raises(ConfigError, match=r"torch for optimizer=muon must be 2.9 or newer, but is '2\..*optimizer=from_scratch"):
        MuonCosine(MuonConfig())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"muon_lr": 0}, "optimizer.muon_lr must be a number above 0, but is 0"),
        ({"muon_lr": math.nan}, "optimizer.muon_lr must be a number above 0, but is nan"),
        ({"momentum": 1.0}, "optimizer.momentum must be from 0 to below 1, but is 1.0"),
        ({"muon_weight_decay": -1.0}, "optimizer.muon_weight_decay must be a number of at least 0, but is -1.0"),
        ({"lr": -1.0}, "optimizer.lr must be a number above 0, but is -1.0"),
    ],
)
def test_bad_values_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        MuonConfig(**change)


def test_groups_are_named_for_the_log_also_after_a_resume():
    def built():
        module = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Embedding(3, 4))
        return MuonCosine(MuonConfig()).build(module, 4)[0]

    optimizer, resumed = built(), built()
    state = optimizer.state_dict()
    for part in state["parts"]:
        for group in part["param_groups"]:
            del group["name"]  # as an older checkpoint has it
    resumed.load_state_dict(state)
    for one in (optimizer, resumed):
        assert {group["name"] for group in one.param_groups} == {"muon", "adamw"}
