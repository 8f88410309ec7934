"""Linear layers by oneDNN against torch's own."""

import pytest
import torch
from peft import LoraConfig, inject_adapter_in_model
from torch import nn

from unite.encoder.families.linear import linears, speed_up_linear

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this torch is built without oneDNN")


def _layers(**options):
    torch.manual_seed(0)
    plain, fast = nn.Linear(6, 10, **options), nn.Linear(6, 10, **options)
    fast.load_state_dict(plain.state_dict())
    speed_up_linear(fast)
    return plain, fast


@pytest.mark.parametrize("shape", [(6,), (1, 6), (7, 6), (2, 3, 6), (300, 6)])
@pytest.mark.parametrize("bias", [True, False])
def test_output_and_gradients_are_those_of_torch(shape, bias):
    plain, fast = _layers(bias=bias)
    found = []
    for layer in (plain, fast):
        states = torch.randn(*shape, generator=torch.Generator().manual_seed(1)).requires_grad_()
        out = layer(states)
        (out * torch.linspace(-1, 1, out.numel()).view_as(out)).sum().backward()
        found.append([out.detach(), states.grad, *(parameter.grad for parameter in layer.parameters())])
    torch.testing.assert_close(*found, rtol=1e-5, atol=1e-5)
    with torch.no_grad():
        assert torch.equal(fast(states), found[1][0])


@pytest.mark.parametrize("trained", ["states", "weights", "all"])
@pytest.mark.parametrize("bias", [True, False])
def test_several_layers_of_the_same_states_are_those_of_torch(trained, bias):
    torch.manual_seed(0)
    layers = [nn.Linear(6, width, bias=bias).requires_grad_(trained != "states") for width in (10, 4, 7)]
    given, found = torch.randn(2, 5, 6), []
    for together in (True, False):
        for layer in layers:
            layer.zero_grad()
        states = given.clone().requires_grad_(trained != "weights")
        weights, biases = [layer.weight for layer in layers], [layer.bias for layer in layers]
        outs = linears(states, weights, biases) if together else [layer(states) for layer in layers]
        sum((out * torch.linspace(-1, 1, out.numel()).view_as(out)).sum() for out in outs).backward()
        found.append(
            [*(out.detach() for out in outs), states.grad, *(parameter.grad for layer in layers for parameter in layer.parameters())]
        )
    for ours, expected in zip(*found, strict=True):
        assert (ours is None) == (expected is None)
        if ours is not None:
            torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-5)
    with torch.no_grad():
        torch.testing.assert_close(linears(given, weights, biases), found[1][:3], rtol=1e-5, atol=1e-5)


def test_rows_that_do_not_lie_side_by_side():
    plain, fast = _layers()
    states = torch.randn(6, 5).t()  # as after a transposition
    torch.testing.assert_close(fast(states), plain(states))
    torch.testing.assert_close(fast(states[::2]), plain(states[::2]))


def test_only_what_is_trained_gets_a_gradient():
    _, fast = _layers()
    fast.weight.requires_grad_(False)
    fast(torch.randn(3, 6)).sum().backward()
    assert fast.weight.grad is None and torch.equal(fast.bias.grad, torch.full((10,), 3.0))


def test_adapters_call_it():
    model = nn.ModuleDict({"layer": nn.Linear(6, 10)})
    speed_up_linear(model)
    states, expected = torch.randn(3, 6), model["layer"](torch.ones(3, 6))
    inject_adapter_in_model(LoraConfig(r=2, target_modules=["layer"], init_lora_weights=True), model)
    assert torch.equal(model["layer"](torch.ones(3, 6)), expected)  # a fresh adapter adds nothing
    assert "forward" in vars(model["layer"].base_layer) and model["layer"](states).requires_grad


def test_what_onednn_does_not_serve_is_left_to_torch():
    plain, fast = _layers()
    assert fast(torch.empty(0, 6)).shape == (0, 10)
    states = torch.randn(3, 6, dtype=torch.float64)
    assert torch.equal(fast.double()(states), plain.double()(states))
