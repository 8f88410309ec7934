"""Muon over stacks, against torch's own and against the singular value decomposition."""

import copy

import pytest
import torch
from torch import nn

from unite.training.stacked_muon import StackedMuon, orthogonal

SHAPES = [(8, 8), (8, 8), (12, 8), (8, 12), (12, 8), (3, 5)]


def parameters():
    torch.manual_seed(0)
    return [nn.Parameter(torch.randn(shape)) for shape in SHAPES]


def take_steps(optimizer, matrices, count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(count):
        for matrix in matrices:
            matrix.grad = torch.randn(matrix.shape, generator=generator)
        optimizer.step()


@pytest.mark.parametrize("nesterov", [True, False])
def test_it_steps_as_torchs_own(nesterov):
    options = {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.1, "nesterov": nesterov}
    ours = parameters()
    theirs = copy.deepcopy(ours)
    take_steps(StackedMuon(ours, **options), ours, 4)
    take_steps(torch.optim.Muon(theirs, **options), theirs, 4)
    for matrix, expected, begun in zip(ours, theirs, parameters(), strict=True):
        # Singular values are rounded in bfloat16, which has 8 bits; what is added is of the order of the step.
        assert (matrix - expected).norm() < 0.02 * (expected - begun).norm()


def test_its_state_is_torchs():
    ours, theirs = parameters(), parameters()
    stacked, own = StackedMuon(ours, lr=0.02), torch.optim.Muon(theirs, lr=0.02)
    take_steps(own, theirs, 2)
    stacked.load_state_dict(own.state_dict())
    assert stacked.state_dict()["param_groups"] == own.state_dict()["param_groups"]
    for matrix, other in zip(ours, theirs, strict=True):
        assert torch.equal(stacked.state[matrix]["momentum_buffer"], own.state[other]["momentum_buffer"])


def test_a_matrix_without_a_gradient_stays():
    matrices = parameters()
    before = matrices[0].detach().clone()
    optimizer = StackedMuon(matrices, lr=0.02)
    for matrix in matrices[1:]:
        matrix.grad = torch.ones_like(matrix)
    optimizer.step()
    assert torch.equal(matrices[0], before)
    assert all(not torch.equal(matrix, begun) for matrix, begun in zip(matrices[1:], parameters()[1:], strict=True))


def test_directions_keep_the_singular_vectors_and_even_out_the_values():
    matrices = torch.randn(3, 6, 10, generator=torch.Generator().manual_seed(1))
    found = orthogonal(matrices, (3.4445, -4.7750, 2.0315), 5, 1e-7).float()
    left, _, right = torch.linalg.svd(matrices, full_matrices=False)
    values = left.mT @ found @ right.mT
    assert (values - torch.diag_embed(values.diagonal(dim1=1, dim2=2))).abs().max() < 0.1
    assert values.diagonal(dim1=1, dim2=2).min() > 0.5
    assert values.diagonal(dim1=1, dim2=2).max() < 1.4


def test_another_rule_of_rates_is_refused():
    with pytest.raises(ValueError, match=r"adjust_lr_fn must be 'original' or None, but is 'match_rms_adamw'"):
        StackedMuon(parameters(), lr=0.02, adjust_lr_fn="match_rms_adamw")
