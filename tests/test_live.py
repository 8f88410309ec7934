"""Bytes that live at once, by hand and against torch's own profiler, which hears of each block from the allocator."""

import pytest
import torch
from torch import nn

from unite.live import LiveBytes


def test_the_peak_is_what_lives_at_once():
    given = torch.zeros(100)
    with LiveBytes() as live:
        first = given + 1
        view = first.view(10, 10)
        second = first.mul(2)
        assert live.now == live.peak == 2 * 400
        second.add_(1)  # in place
        del first, second
        assert live.now == 400  # the view holds the first
        del view
        assert live.now == 0 and live.peak == 800


def test_gradients_live_too_and_on_a_device_without_memory():
    weight = torch.zeros(1000, 1000, device="meta", requires_grad=True)
    with LiveBytes() as live:
        (weight * 2).sum().backward()
    assert weight.grad is not None and live.now == weight.grad.untyped_storage().nbytes()
    assert 4_000_000 < live.peak < 4_000_100  # the product is gone when its gradient is made


@pytest.mark.parametrize("num_layers", [1, 4])
def test_the_peak_of_a_pass_is_that_of_the_allocator(num_layers):
    model = nn.Sequential(*(nn.Sequential(nn.Linear(64, 64), nn.GELU(), nn.LayerNorm(64)) for _ in range(num_layers)))
    rows = torch.randn(1000, 64)
    model(rows).square().mean().backward()  # gradients lie there before, and what comes once has come
    with LiveBytes() as live:
        model(rows).square().mean().backward()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profiler:
        model(rows).square().mean().backward()
    blocks = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    now = peak = 0
    for event in sorted(blocks, key=lambda event: event.start_ns()):
        now += event.nbytes()
        peak = max(peak, now)
    assert peak > 1000 * 64 * 4 * 3 * num_layers and live.peak == pytest.approx(peak, rel=0.02)
