"""AdamW of 8 bits. What bitsandbytes itself does is tested where it is installed: it is an extra."""

import copy
import sys

import pytest
import torch
from torch import nn

from unite.config.schema import AdamW8bitConfig, AdamWConfig
from unite.errors import ConfigError
from unite.training.adamw import AdamWCosine
from unite.training.adamw_8bit import AdamW8bitCosine

FLAT = {"lr": 1e-3, "weight_decay": 0.1, "warmup_ratio": 0.0, "final_lr_ratio": 1.0}


def steps(model, optimizer, count):
    generator = torch.Generator().manual_seed(0)
    for _ in range(count):
        for parameter in model.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        optimizer.step()


def test_without_bitsandbytes_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    message = r"optimizer=adamw_8bit needs bitsandbytes, .*: pip install 'unite\[bitsandbytes\]'. optimizer=adafactor"
    with pytest.raises(ConfigError, match=message):
        AdamW8bitCosine(AdamW8bitConfig())


def test_the_bound_must_be_a_size():
    with pytest.raises(ConfigError, match="optimizer.min_8bit_size must be at least 1, but is 0"):
        AdamW8bitConfig(min_8bit_size=0)


def test_it_steps_nearly_as_adamw_does_and_small_tensors_exactly_so():
    pytest.importorskip("bitsandbytes")
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 128), nn.LayerNorm(128))
    plain, start = copy.deepcopy(model), copy.deepcopy(model)
    optimizer, _ = AdamW8bitCosine(AdamW8bitConfig(**FLAT)).build(model, 10)
    steps(model, optimizer, 10)
    steps(plain, AdamWCosine(AdamWConfig(**FLAT)).build(plain, 10)[0], 10)
    assert optimizer.state[model[0].weight]["state1"].dtype == torch.uint8
    moved = plain[0].weight - start[0].weight
    assert float((model[0].weight - plain[0].weight).norm() / moved.norm()) < 0.1
    for one, other in zip(model[1].parameters(), plain[1].parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
