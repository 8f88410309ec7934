import math

import pytest
import torch

from tests.objective.pools import TEXT, relations_of
from unite.config.schema import InfoNCEConfig
from unite.objective import InfoNCE


def test_equation_5_of_the_paper_by_hand():
    # Query (1, 0): the positive scores 0.6, the negatives 0.8 and 0.
    embeddings = torch.tensor([[1.0, 0], [0.6, 0.8], [0.8, 0.6], [0, 1.0]]).requires_grad_()
    relations = relations_of([0], [[1]], [TEXT] * 4, negative=[[2, 3]])
    output = InfoNCE(InfoNCEConfig(temperature=0.5, symmetric=False, hardness=9.0))(embeddings, relations)
    output.loss.backward()
    e = math.exp
    total = e(1.2) + e(9 * 0.8) * e(1.6) + e(0) * e(0)
    assert output.loss.item() == pytest.approx(-math.log(e(1.2) / total), rel=1e-6)
    # Equation 6: the gradient at a negative's logit is its weighted share, with nothing through the weight itself.
    hard = e(9 * 0.8) * e(1.6) / total / 0.5
    torch.testing.assert_close(embeddings.grad[2], torch.tensor([hard, 0.0]), rtol=1e-5, atol=1e-6)


def test_hand_made_negatives_alone_are_weighted():
    # Row 0 made candidate 2 for itself; candidate 4 is row 1's positive, and weighs as ever in row 0.
    embeddings = torch.tensor([[1.0, 0], [0.6, 0.8], [0.8, 0.6], [0, 1.0], [0.28, 0.96]])
    relations = relations_of([0, 3], [[1], [4]], [TEXT] * 5, negative=[[2], []])
    config = InfoNCEConfig(temperature=0.5, symmetric=False, hardness=9.0, hardness_on="hand_made")
    e = math.exp
    first = -math.log(e(1.2) / (e(1.2) + e(9 * 0.8) * e(1.6) + e(0.56)))
    second = -math.log(e(1.92) / (e(1.92) + e(1.6) + e(1.2)))
    assert InfoNCE(config)(embeddings, relations).terms.loss.tolist() == pytest.approx([first, second], rel=1e-5)
