import torch

from unite.encoder.families.mrope import mrope_positions


def test_positions_by_hand():
    """Two text tokens, a video of 2 x (2 x 4) patches at 3 positions a patch in time, two text tokens; then padding."""
    types = torch.tensor([[0, 0, 2, 2, 2, 2, 0, 0, 0]])
    mask = torch.tensor([[1] * 8 + [0]])
    positions = mrope_positions(mask, types, torch.tensor([[2, 2, 4]]), torch.tensor([3.0]), merge_size=2)
    assert positions[:, 0].tolist() == [[0, 1, 2, 2, 5, 5, 4, 5, 0], [0, 1, 2, 2, 2, 2, 4, 5, 0], [0, 1, 2, 3, 2, 3, 4, 5, 0]]
