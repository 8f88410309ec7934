import math

import pytest
import torch

from unite.config.schema import AdamWConfig
from unite.errors import ConfigError
from unite.training.adamw import AdamWCosine


def test_vectors_are_not_decayed_and_frozen_weights_not_taken():
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.LayerNorm(2), torch.nn.Linear(2, 2).requires_grad_(False))
    optimizer, _ = AdamWCosine(AdamWConfig(weight_decay=0.1)).build(model, 10)
    decays = {id(parameter): group["weight_decay"] for group in optimizer.param_groups for parameter in group["params"]}
    assert decays == {id(model[0].weight): 0.1, id(model[0].bias): 0.0, id(model[1].weight): 0.0, id(model[1].bias): 0.0}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lr": 0}, "optimizer.lr must be a number above 0, but is 0"),
        ({"lr": -1.0}, "optimizer.lr must be a number above 0, but is -1.0"),
        ({"lr": math.nan}, "optimizer.lr must be a number above 0, but is nan"),
        ({"lr": math.inf}, "optimizer.lr must be a number above 0, but is inf"),
        ({"beta1": 1.5}, "optimizer.beta1 must be from 0 to below 1, but is 1.5"),
        ({"beta2": -1.0}, "optimizer.beta2 must be from 0 to below 1, but is -1.0"),
        ({"eps": -1.0}, "optimizer.eps must be a number of at least 0, but is -1.0"),
        ({"weight_decay": -0.1}, "optimizer.weight_decay must be a number of at least 0, but is -0.1"),
        ({"warmup_ratio": 1}, "optimizer.warmup_ratio must be from 0 to below 1, but is 1"),
        ({"final_lr_ratio": -2.0}, "optimizer.final_lr_ratio must be from 0 to 1, but is -2.0"),
        ({"gradient_clip": 0.0}, "optimizer.gradient_clip must be above 0, or null"),
        ({"gradient_clip": math.nan}, "optimizer.gradient_clip must be above 0, or null for none, but is nan"),
    ],
)
def test_bad_values_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        AdamWCosine(AdamWConfig(**change))


def test_nothing_to_train_is_said():
    with pytest.raises(ConfigError, match="nothing is trained.*encoder.adapter=null"):
        AdamWCosine(AdamWConfig()).build(torch.nn.Linear(1, 1).requires_grad_(False), 10)
