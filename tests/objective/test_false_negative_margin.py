import math

import torch

from tests.objective.pools import TEXT, relations_of
from unite.config.schema import InfoNCEConfig
from unite.objective import InfoNCE
from unite.objective.false_negative_margin import drop_above_margin_


def test_only_what_is_above_the_margin_is_dropped():
    similarities = torch.tensor([[0.5, 0.75, 0.7500001, 0.9, -1.0], [0.5, 0.75, 0.76, 0.9, -1.0]])
    drop_above_margin_(similarities, torch.tensor([0.5, 0.9]), margin=0.25)
    inf = torch.inf
    assert torch.equal(similarities, torch.tensor([[0.5, 0.75, -inf, -inf, -1.0], [0.5, 0.75, 0.76, 0.9, -1.0]]))


def test_a_dropped_candidate_gets_no_gradient():
    embeddings = torch.tensor([[1.0, 0], [0, 1], [0.6, 0.8], [0.8, 0.6]]).requires_grad_()
    relations = relations_of([0], [[2]], [TEXT] * 4, negative=[[3, 1]])  # candidate 3 scores 0.2 above the positive
    told = InfoNCEConfig(symmetric=False, false_negative_margin=0.1, margin_spares_hand_made=False)
    output = InfoNCE(told)(embeddings, relations)
    output.loss.backward()
    assert output.metrics["num_negatives"].item() == 1
    assert output.metrics["accuracy"].item() == 1
    assert embeddings.grad[3].abs().max() == 0
    assert embeddings.grad[1].abs().max() > 0


def test_a_hand_made_negative_is_spared_in_its_own_row_alone():
    # Both queries ask along the first axis; candidate 3, made for row 0, beats both positives.
    embeddings = torch.tensor([[1.0, 0], [1.0, 0], [0.6, 0.8], [0.8, 0.6], [0.6, -0.8]]).requires_grad_()
    relations = relations_of([0, 1], [[2], [4]], [TEXT] * 5, negative=[[3], []])
    output = InfoNCE(InfoNCEConfig(symmetric=False, temperature=1.0, false_negative_margin=0.1))(embeddings, relations)
    output.loss.backward()
    assert output.terms.num_negatives.tolist() == [2, 1]
    share = math.exp(0.8) / (math.exp(0.8) + 2 * math.exp(0.6))
    torch.testing.assert_close(embeddings.grad[3], torch.tensor([share / 2, 0.0]))


def test_groups_are_never_negatives_even_without_a_margin():
    embeddings = torch.eye(4)
    caption, other_caption = 7, 7  # two captions of one image
    relations = relations_of([0, 1], [[2], [3]], [TEXT] * 4, identity=[1, 2, caption, other_caption])
    assert InfoNCE()(embeddings, relations).metrics["share_without_negatives"].item() == 1
