import torch

from unite.encoder.pooling import last_positions, states_at


def test_the_last_token_is_found_whichever_side_is_padded():
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 1], [0, 1, 1, 0], [1, 0, 0, 0]])
    assert last_positions(mask).tolist() == [3, 1, 3, 2, 0]


def test_each_row_gives_the_state_at_its_own_place():
    hidden = torch.arange(2 * 3 * 4).view(2, 3, 4)
    assert states_at(hidden, torch.tensor([2, 0])).tolist() == [[8, 9, 10, 11], [12, 13, 14, 15]]
    assert states_at(hidden[..., None], torch.tensor([2, 0])).shape == (2, 4, 1)
