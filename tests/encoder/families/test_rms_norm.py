import pytest
import torch

from unite.encoder.families.rms_norm import rms_norm


@pytest.mark.parametrize("shape", [(7, 12), (2, 5, 4, 12)])
def test_values_and_gradients_equal_torchs(shape):
    generator = torch.Generator().manual_seed(0)
    states = (3 * torch.randn(shape, generator=generator, dtype=torch.float64)).requires_grad_()
    weight = torch.randn(12, generator=generator, dtype=torch.float64).requires_grad_()
    direction = torch.randn(shape, generator=generator, dtype=torch.float64)
    found, expected = rms_norm(states, weight, 1e-3), torch.nn.functional.rms_norm(states, (12,), weight, 1e-3)
    torch.testing.assert_close(found, expected)
    ours = torch.autograd.grad(found, (states, weight), direction)
    torch.testing.assert_close(ours, torch.autograd.grad(expected, (states, weight), direction))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_without_gradients_it_is_the_same_to_the_bit(dtype):
    """As a step needs it whose first pass keeps no activations: its replay must give the same embeddings."""
    states, weight = (torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(dtype) for shape in ((9, 5, 12), (12,)))
    before = states.clone()
    with torch.no_grad():
        found = rms_norm(states, weight, 1e-6)
    assert torch.equal(found, rms_norm(states, weight, 1e-6)) and torch.equal(states, before) and found.dtype == dtype


def test_squares_are_averaged_in_float32():
    states = torch.full((1, 64), 300.0, dtype=torch.float16)  # their sum is beyond float16
    assert torch.equal(rms_norm(states, torch.ones(64, dtype=torch.float16), 1e-6), torch.ones(1, 64, dtype=torch.float16))


def test_a_frozen_weight_asks_for_no_gradient():
    states = torch.randn(3, 4, requires_grad=True)
    weight = torch.ones(4)
    rms_norm(states, weight, 1e-6).sum().backward()
    assert states.grad is not None
    assert weight.grad is None
