"""Attention by plain products against torch's own, in bfloat16 on a CPU."""

import inspect
import sys
from contextlib import nullcontext
from functools import wraps
from types import SimpleNamespace

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from unite.encoder.families.attention import Starts, attend, attend_causally, attend_within, is_within_possible
from unite.errors import ConfigError

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
    attend(*states(num_keys=97, dtype=dtype), SCALE)
    with torch.no_grad():
        attend(*states(dtype=dtype), SCALE)
    assert taken[-3:] == [dtype, dtype, dtype]


LENGTHS = (3, 1, 7, 5)


def starts(lengths, device="cpu"):
    return Starts(torch.tensor([0, *lengths]).cumsum(0).int().to(device), max(lengths))


@pytest.mark.parametrize("of_last", [False, True])
def test_contents_end_to_end_equal_a_block_diagonal_mask(of_last):
    generator = torch.Generator().manual_seed(0)
    total = sum(LENGTHS)
    query, key, value = (torch.randn(total, heads, 8, generator=generator).double() for heads in (4, 2, 2))
    content = torch.arange(len(LENGTHS)).repeat_interleave(torch.tensor(LENGTHS))
    mask = (content[:, None] == content) & torch.ones(total, total, dtype=torch.bool).tril()
    rows = torch.tensor(LENGTHS).cumsum(0) - 1 if of_last else torch.arange(total)
    arranged = (states.transpose(0, 1)[None] for states in (query[rows], key, value))
    expected = scaled_dot_product_attention(*arranged, attn_mask=mask[rows], scale=SCALE, enable_gqa=True)[0].transpose(0, 1)
    asked = starts([1] * len(LENGTHS)) if of_last else starts(LENGTHS)
    torch.testing.assert_close(attend_within(query[rows], key, value, SCALE, asked, starts(LENGTHS)), expected)


def on_another_device(dtype):
    return [torch.empty(sum(LENGTHS), heads, 8, device="meta", dtype=dtype) for heads in (4, 2, 2)]


@pytest.fixture
def varlen_attn():
    """Torch's own, held to the signature that it has had since 2.12, without a GPU: of its shapes, on the device without memory."""
    varlen = pytest.importorskip("torch.nn.attention.varlen", reason="torch 2.10 or newer has it").varlen_attn
    if "enable_gqa" not in inspect.signature(varlen).parameters:
        pytest.skip("torch 2.12 or newer shares keys among heads")
    return varlen


def test_on_a_gpu_it_is_asked_of_torch(monkeypatch, varlen_attn):
    calls = []

    @wraps(varlen_attn)
    def counted(*args, **options):
        calls.append((args, options))
        return varlen_attn(*args, **options)

    monkeypatch.setattr("torch.nn.attention.varlen.varlen_attn", counted)
    where = starts(LENGTHS, "meta")
    found = attend_within(*on_another_device(torch.bfloat16), SCALE, where, where)
    assert (found.shape, found.dtype) == ((sum(LENGTHS), 4, 8), torch.bfloat16)
    ((_, _, _, *places), options) = calls[0]
    assert (places, options) == ([where.places, where.places, 7, 7], {"scale": SCALE, "window_size": (-1, 0), "enable_gqa": True})


def test_keys_that_heads_share_are_repeated_where_torch_does_not_know_them(monkeypatch):
    """The signature of torch 2.11."""

    def varlen(query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, *, return_aux=None, scale=None, window_size=(-1, -1)):
        return query, key, value

    monkeypatch.setattr("torch.nn.attention.varlen.varlen_attn", varlen, raising=False)
    query, key, value = on_another_device(torch.bfloat16)
    key = torch.arange(2.0).bfloat16()[None, :, None].expand(sum(LENGTHS), 2, 8)
    where = starts(LENGTHS, "meta")
    _, known, taken = attend_within(query, key, value, SCALE, where, where)
    assert (known[0, :, 0].tolist(), taken.shape) == ([0, 0, 1, 1], query.shape)


def of_2_10(query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, is_causal=False, return_aux=None):
    raise AssertionError


def test_a_gpu_can_in_16_bits_alone():
    assert is_within_possible(torch.ones(1))
    assert [is_within_possible(on_another_device(dtype)[0]) for dtype in (torch.float32, torch.bfloat16)] == [False, True]


def test_a_torch_that_has_no_such_attention_is_refused(monkeypatch):
    where = starts(LENGTHS, "meta")
    for module in (None, SimpleNamespace(varlen_attn=of_2_10)):
        monkeypatch.setitem(sys.modules, "torch.nn.attention.varlen", module)
        with pytest.raises(ConfigError, match=r"torch for encoder.attention=varlen must be 2.11 or newer, but is .* Update torch, or set"):
            attend_within(*on_another_device(torch.bfloat16), SCALE, where, where)
