"""Adafactor against transformers' own, which somebody else wrote."""

import copy
import math

import pytest
import torch
from torch import nn
from transformers.optimization import Adafactor

from unite.config.schema import AdafactorConfig
from unite.errors import ConfigError
from unite.training.adafactor import AdafactorCosine


def network():
    torch.manual_seed(0)
    return nn.ModuleDict({"words": nn.Embedding(5, 4), "pixels": nn.Conv1d(2, 4, 2), "up": nn.Linear(4, 8), "norm": nn.LayerNorm(8)})


def steps(model, optimizer, numbers, schedule=None):
    for number in numbers:
        generator = torch.Generator().manual_seed(number)
        for parameter in model.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        optimizer.step()
        if schedule is not None:
            schedule.step()


def test_it_steps_as_transformers_does():
    model = network()
    expected = copy.deepcopy(model)
    config = AdafactorConfig(lr=0.02, warmup_ratio=0.0, final_lr_ratio=1.0, weight_decay=0.0, beta2_decay=-0.7, min_size=0.01)
    steps(model, AdafactorCosine(config).build(model, 5)[0], range(5))
    options = {"scale_parameter": True, "relative_step": False, "warmup_init": False, "decay_rate": -0.7, "eps": (1e-30, 0.01)}
    steps(expected, Adafactor(expected.parameters(), lr=0.02, **options), range(5))
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter, expected.get_parameter(name), rtol=1e-4, atol=1e-6)


def test_matrices_alone_are_decayed_and_frozen_weights_not_taken():
    model = nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2), nn.Linear(2, 2).requires_grad_(False))
    optimizer, _ = AdafactorCosine(AdafactorConfig(weight_decay=0.1)).build(model, 10)
    decays = {id(parameter): group["weight_decay"] for group in optimizer.param_groups for parameter in group["params"]}
    assert decays == {id(model[0].weight): 0.1, id(model[0].bias): 0.0, id(model[1].weight): 0.0, id(model[1].bias): 0.0}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lr": 0}, "optimizer.lr must be a number above 0, but is 0"),
        ({"beta2_decay": 0.5}, "optimizer.beta2_decay must be a number of at most 0, but is 0.5"),
        ({"min_size": 0.0}, "optimizer.min_size must be a number above 0, but is 0.0"),
        ({"clip_threshold": math.nan}, "optimizer.clip_threshold must be a number of at least 1, but is nan"),
        ({"weight_decay": -1.0}, "optimizer.weight_decay must be a number of at least 0, but is -1.0"),
        ({"ema_decay": 1.0}, "optimizer.ema_decay must be above 0 and below 1, or null for no average, but is 1.0"),
    ],
)
def test_bad_values_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        AdafactorConfig(**change)
