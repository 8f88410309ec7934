"""The gated MLP against transformers' own."""

import pytest
import torch
from torch import nn
from transformers.models.qwen2_vl.configuration_qwen2_vl import Qwen2VLTextConfig
from transformers.models.qwen2_vl.modeling_qwen2_vl import Qwen2MLP

from unite.encoder.families import swiglu
from unite.encoder.families.swiglu import gated_mlp


@pytest.fixture
def mlp():
    torch.manual_seed(0)
    return Qwen2MLP(Qwen2VLTextConfig(hidden_size=6, intermediate_size=10, num_attention_heads=2, num_key_value_heads=2))


@pytest.mark.parametrize("rows", [1, 4, 7, 100])  # of 7 tokens
def test_output_and_gradients_are_those_of_transformers(mlp, rows, monkeypatch):
    monkeypatch.setattr(swiglu, "_ROWS", rows)
    states = torch.randn(1, 7, 6, requires_grad=True)
    found = {}
    for name, forward in (("theirs", mlp.forward), ("ours", lambda given: gated_mlp(mlp, given))):
        mlp.zero_grad()
        states.grad = None
        out = forward(states)
        (out * torch.linspace(-1, 1, out.numel()).view_as(out)).sum().backward()
        found[name] = [out.detach(), states.grad, *(parameter.grad for parameter in mlp.parameters())]
    torch.testing.assert_close(found["ours"], found["theirs"])


@pytest.mark.parametrize("rows", [4, 100])
def test_without_gradients_too(mlp, rows, monkeypatch):
    monkeypatch.setattr(swiglu, "_ROWS_WITHOUT_GRAPH", rows)
    states = torch.randn(2, 7, 6)
    with torch.no_grad():
        torch.testing.assert_close(gated_mlp(mlp, states), mlp.forward(states))


def test_no_token_and_other_types_take_the_usual_way(mlp):
    assert gated_mlp(mlp, torch.empty(0, 6)).shape == (0, 6)
    states = torch.randn(2, 6, dtype=torch.float64)
    assert torch.equal(gated_mlp(mlp.double(), states), mlp.forward(states))


@pytest.mark.parametrize("trained", ["gate_proj", "up_proj", "down_proj"])
def test_one_part_alone_may_be_trained(mlp, trained):
    mlp.requires_grad_(False)
    weight = getattr(mlp, trained).weight.requires_grad_()
    states, grads = torch.randn(3, 6), []
    for forward in (mlp.forward, lambda given: gated_mlp(mlp, given)):
        mlp.zero_grad()
        forward(states).square().sum().backward()
        grads.append(weight.grad)
    torch.testing.assert_close(*grads)
    assert [name for name, parameter in mlp.named_parameters() if parameter.grad is not None] == [f"{trained}.weight"]


def test_an_adapter_is_called(mlp):
    class Adapted(nn.Linear):
        def forward(self, given):
            return super().forward(given) + 1

    mlp.up_proj.__class__ = Adapted
    states = torch.randn(3, 6)
    torch.testing.assert_close(gated_mlp(mlp, states), mlp.forward(states))
