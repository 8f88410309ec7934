"""Attention by plain products against torch's own, in bfloat16 on a CPU."""

from contextlib import nullcontext

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from unite.encoder.families.attention import attend, attend_causally

SCALE = 0.3


def states(num_keys=9, num_queries=9, dtype=torch.bfloat16):
    """Of three contents; four heads ask two of keys. Rounded to bfloat16 in either type, so that both start from the same."""
    generator = torch.Generator().manual_seed(0)
    shapes = ((3, 4, num_queries, 8), (3, 2, num_keys, 8), (3, 2, num_keys, 8))
    return [torch.randn(shape, generator=generator).bfloat16().to(dtype).requires_grad_() for shape in shapes]


def with_gradients(attended, given):
    weights = torch.linspace(-1, 1, attended.numel()).view_as(attended)
    return [attended.float(), *(one.float() for one in torch.autograd.grad((attended.float() * weights).sum(), given))]


def exact(mask=None, is_causal=False, **sizes):
    query, key, value = states(**sizes, dtype=torch.float64)
    attended = scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=is_causal, scale=SCALE, enable_gqa=True)
    return with_gradients(attended, (query, key, value))


@pytest.mark.parametrize("is_mixed", [False, True])
@pytest.mark.parametrize("kind", ["all", "causal", "mask"])
def test_it_is_as_exact_as_torch(kind, is_mixed):
    sizes = {"num_queries": 1} if kind == "mask" else {}
    mask = torch.arange(9) <= torch.tensor([8, 0, 5])[:, None, None, None] if kind == "mask" else None
    expected = exact(mask, kind == "causal", **sizes)
    given = states(**sizes, dtype=torch.float32 if is_mixed else torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16) if is_mixed else nullcontext():
        found = with_gradients(attend_causally(*given, SCALE) if kind == "causal" else attend(*given, SCALE, mask), given)
    theirs = states(**sizes)
    attended = scaled_dot_product_attention(*theirs, attn_mask=mask, is_causal=kind == "causal", scale=SCALE, enable_gqa=True)
    for ours, torchs, right in zip(found, with_gradients(attended, theirs), expected, strict=True):
        error, usual = ((one - right).norm() / right.norm() for one in (ours, torchs))
        assert error < max(1.5 * usual, 3e-3)
        assert error < 1e-2


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_only_what_torch_is_slow_at_is_taken_from_it(dtype, monkeypatch):
    taken = []

    def counted(query, *args, **options):
        taken.append(query.dtype)
        return scaled_dot_product_attention(query, *args, **options)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", counted)
    attend_causally(*states(dtype=dtype), SCALE)
    assert taken == ([torch.float32] if dtype == torch.float32 else [])
    attend(*states(dtype=dtype), SCALE, dropout=0.5)
    attend(*states(num_keys=513, dtype=dtype), SCALE)
    assert taken[-2:] == [dtype, dtype]
