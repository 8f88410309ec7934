import pytest
import torch

from unite.encoder.families.rotary import for_heads, rotate


def rotated(states, cos, sin):
    """As the paper has it, one pair of halves after the other: [a, b] -> [a cos - b sin, b cos + a sin]."""
    half = states.shape[-1] // 2
    first, second = states[..., :half], states[..., half:]
    cos, sin = cos[:, None, :half], sin[:, None, :half]
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


@pytest.mark.parametrize("num_heads", [1, 2, 6])  # keys may have fewer heads than the queries that the angles are made for
def test_states_and_gradients_are_those_of_the_formula(num_heads):
    generator = torch.Generator().manual_seed(0)
    angles = torch.rand(5, 4, generator=generator, dtype=torch.float64).repeat(1, 2)
    states = torch.randn(5, num_heads, 8, generator=generator, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(5, num_heads, 8, generator=generator, dtype=torch.float64)
    found = []
    for turned in (rotate(states, for_heads(angles.cos(), angles.sin(), 6)), rotated(states, angles.cos(), angles.sin())):
        (gradient,) = torch.autograd.grad((turned * weights).sum(), states)
        found.append((turned, gradient))
    torch.testing.assert_close(found[0], found[1])
    with torch.no_grad():
        assert torch.equal(rotate(states, for_heads(angles.cos(), angles.sin(), 6)), found[0][0])
