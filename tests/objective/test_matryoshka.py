import pytest
import torch

from tests.objective.pools import IMAGE, TEXT, relations_of, unit
from tests.reference.contrastive import contrastive_loss
from unite.config.schema import InfoNCEConfig, MAMCLConfig, MatryoshkaConfig
from unite.errors import ConfigError, TrainingError
from unite.objective import MAMCL, InfoNCE, Matryoshka


def pool():
    return relations_of([0, 1, 2, 3], [[4], [5], [6], [7]], [TEXT] * 6 + [IMAGE] * 2)


def test_loss_and_gradient_are_the_weighted_sum_over_normalised_prefixes():
    embeddings = unit(8, 12, 0).requires_grad_()
    output = Matryoshka(MatryoshkaConfig(objective=MAMCL(), dims=[4, 12], weights=[0.5, 2.0]))(embeddings, pool())
    output.loss.backward()
    exact = embeddings.detach().double().requires_grad_()
    losses = {}
    for dim in (4, 12):
        prefix = exact[:, :dim] / exact[:, :dim].square().sum(1, keepdim=True).sqrt()
        losses[dim], _ = contrastive_loss(prefix, pool(), temperature=0.03, within_modality=True, symmetric=False)
    expected = 0.5 * losses[4] + 2.0 * losses[12]
    expected.backward()
    assert output.loss.item() == pytest.approx(expected.item(), rel=1e-5)
    torch.testing.assert_close(embeddings.grad.double(), exact.grad, rtol=1e-5, atol=1e-5 * float(exact.grad.abs().max()))
    for dim in (4, 12):
        assert output.metrics[f"loss_dim_{dim}"].item() == pytest.approx(losses[dim].item(), rel=1e-5)


def test_metrics_are_those_of_the_largest_width():
    embeddings = unit(8, 12, 0)
    metrics = Matryoshka(MatryoshkaConfig(objective=InfoNCE(), dims=[4, 12]))(embeddings, pool()).metrics
    alone = InfoNCE()(embeddings, pool()).metrics
    for name, value in alone.items():
        assert metrics[name].item() == pytest.approx(value.item(), rel=1e-5)


def test_a_terms_loss_is_the_weighted_sum_over_the_widths():
    output = Matryoshka(MatryoshkaConfig(objective=MAMCL(), dims=[4, 12], weights=[0.5, 2.0]))(unit(8, 12, 0), pool())
    assert output.terms.loss.mean().item() == pytest.approx(output.loss.item(), rel=1e-5)


def test_shares_of_the_rows_sum_to_the_whole():
    objective = Matryoshka(MatryoshkaConfig(objective=MAMCL(MAMCLConfig(symmetric=True)), dims=[4, 8]))
    embeddings = unit(8, 12, 0)
    parts = [objective(embeddings, pool(), torch.tensor(rows)).loss for rows in ([0, 3], [1, 2])]
    torch.testing.assert_close(sum(parts), objective(embeddings, pool()).loss)


def test_a_learned_temperature_is_shared_by_the_widths():
    objective = Matryoshka(MatryoshkaConfig(objective=InfoNCE(InfoNCEConfig(learnable_temperature=True)), dims=[4, 8]))
    objective(unit(8, 12, 0), pool()).loss.backward()
    (parameter,) = objective.parameters()
    assert parameter.grad.abs() > 0


@pytest.mark.parametrize(
    ("dims", "weights", "message"),
    [
        ([], None, r"objective\.dims must be different widths of at least 1, but is \[\]"),
        ([8, 8], None, r"objective\.dims must be different widths of at least 1, but is \[8, 8\]"),
        ([8, 0], None, r"objective\.dims must be different widths of at least 1, but is \[8, 0\]"),
        ([8, 4], [1.0], r"objective\.weights must be 2 numbers above 0, one a width, but is \[1\.0\]"),
        ([8, 4], [1.0, -1.0], r"objective\.weights must be 2 numbers above 0, one a width, but is \[1\.0, -1\.0\]"),
    ],
)
def test_bad_widths_are_refused(dims, weights, message):
    with pytest.raises(ConfigError, match=message):
        Matryoshka(MatryoshkaConfig(objective=InfoNCE(), dims=dims, weights=weights))


def test_a_width_beyond_the_embeddings_is_refused():
    with pytest.raises(TrainingError, match=r"objective\.dims must be at most 12, the embeddings' width, but is 16"):
        Matryoshka(MatryoshkaConfig(objective=InfoNCE(), dims=[16, 4]))(unit(8, 12, 0), pool())
