"""Bytes that live at once, by hand."""

import torch

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
