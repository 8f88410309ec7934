"""The random state of a moment, against drawing again."""

import torch

from unite.training.random_state import RandomState


def test_what_is_drawn_again_is_the_same_and_what_follows_is_as_if_it_had_not_been():
    torch.manual_seed(0)
    state = RandomState(torch.device("cpu"))
    first, second = torch.rand(4), torch.rand(4)
    torch.manual_seed(0)
    torch.rand(4)
    with state.restored():
        assert torch.equal(torch.rand(4), first)
    assert torch.equal(torch.rand(4), second)
