"""Adapters against peft's own passes."""

from contextlib import nullcontext

import pytest
import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora import Linear
from torch import nn

from unite.encoder.fast_lora import speed_up_lora


def _layer(bias=True, dtype=torch.float32, names=("default",), **options):
    """A layer with adapters that are not at their beginning."""
    torch.manual_seed(0)
    model = nn.ModuleDict({"layer": nn.Linear(6, 10, bias=bias, dtype=dtype)})
    for name in names:
        inject_adapter_in_model(LoraConfig(r=3, lora_alpha=6, target_modules=["layer"], **options), model, adapter_name=name)
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            parameter.data = torch.randn(parameter.shape)
    return model["layer"]


def _passed(layer, states, mixed=False):
    """What comes out, and the gradients at the states and at all that is trained."""
    layer.zero_grad()
    states = states.clone().requires_grad_()
    torch.manual_seed(1)  # of what is dropped
    with torch.autocast("cpu", dtype=torch.bfloat16) if mixed else nullcontext():
        out = layer(states)
    (out.float() * torch.linspace(-1, 1, out.numel()).view_as(out)).sum().backward()
    return [out.detach(), states.grad, *(parameter.grad for parameter in layer.parameters())]


def _both(layer, states, mixed=False):
    expected = _passed(layer, states, mixed)
    speed_up_lora(layer)
    assert "forward" in vars(layer)
    return _passed(layer, states, mixed), expected


@pytest.mark.parametrize("shape", [(6,), (7, 6), (2, 3, 6), (0, 6)])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_output_and_gradients_are_those_of_peft(shape, bias, dropout):
    ours, expected = _both(_layer(bias, lora_dropout=dropout), torch.randn(shape, generator=torch.Generator().manual_seed(2)))
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("of_states", [torch.float32, torch.bfloat16])
def test_under_autocast_they_are_as_near_to_float32_as_those_of_peft(dtype, of_states):
    states = torch.randn(50, 6, generator=torch.Generator().manual_seed(2)).to(of_states)
    ours, theirs = _both(_layer(dtype=dtype), states, mixed=True)
    exact = _passed(_layer(dtype=dtype).float(), states.float())
    for found, by_peft, expected in zip(ours, theirs, exact, strict=True):
        assert (found is None) == (by_peft is None) == (expected is None)
        if found is not None:
            assert found.dtype == by_peft.dtype
            assert (found - expected).norm() <= 1.1 * (by_peft - expected).norm() + 1e-6


def test_weights_of_another_dtype_go_the_way_of_peft():
    ours, expected = _both(_layer(dtype=torch.bfloat16), torch.randn(7, 6).bfloat16())
    torch.testing.assert_close(ours, expected, rtol=0, atol=0)


def test_without_gradients_it_gives_the_same():
    layer = _layer()
    speed_up_lora(layer)
    states = torch.randn(7, 6)
    with torch.no_grad():
        assert torch.equal(layer(states), layer(states.clone().requires_grad_()))


def test_adapters_that_are_off_or_merged_or_several_go_the_way_of_peft():
    layer, states = _layer(names=("default", "other")), torch.randn(7, 6)
    speed_up_lora(layer)
    adapted = layer(states)
    layer.enable_adapters(False)
    torch.testing.assert_close(layer(states), layer.base_layer(states))
    layer.enable_adapters(True)
    layer.merge()
    torch.testing.assert_close(layer(states), adapted)
    layer.unmerge()
    layer.set_adapter(["default", "other"])
    torch.testing.assert_close(layer(states), Linear.forward(layer, states))
    assert not torch.allclose(layer(states), adapted)


def test_what_is_no_plain_adapter_is_left_alone():
    dora = _layer(use_dora=True)
    embedding = nn.ModuleDict({"layer": nn.Embedding(6, 10)})
    inject_adapter_in_model(LoraConfig(r=3, target_modules=["layer"]), embedding)
    speed_up_lora(dora)
    speed_up_lora(embedding)
    states = torch.randn(7, 6)
    torch.testing.assert_close(dora(states), Linear.forward(dora, states))
    assert "forward" not in vars(embedding["layer"])


def test_a_layer_that_is_trained_beside_its_adapter_gets_its_gradient():
    layer = _layer()
    layer.base_layer.requires_grad_()
    ours, expected = _both(layer, torch.randn(7, 6))
    torch.testing.assert_close(ours, expected, rtol=0, atol=0)
    assert all(gradient is not None for gradient in ours)
