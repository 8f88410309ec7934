"""InfoNCE and MAMCL against the float64 loop oracle, and against a case worked by hand."""

from __future__ import annotations

import logging
import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.objective.pools import IMAGE, TEXT, VIDEO, random_relations, relations_of, unit
from tests.reference.contrastive import contrastive_loss
from unite.batch import Relations
from unite.config.schema import InfoNCEConfig, MAMCLConfig
from unite.errors import ConfigError, DataError, TrainingError
from unite.objective import MAMCL, InfoNCE, comparison
from unite.objective.contrastive import Contrastive
from unite.types import Modality

OPTIONS = st.fixed_dictionaries(
    {
        "temperature": st.sampled_from([0.03, 0.1, 1.0]),
        "symmetric": st.booleans(),
        "modality_weights": st.sampled_from([{}, {"text": 2.0, "text+image": 0.25}]),
        "false_negative_margin": st.sampled_from([None, 0.0, 0.1]),
        "margin_spares_hand_made": st.booleans(),
        "hardness": st.sampled_from([0.0, 9.0]),
        "hardness_on": st.sampled_from(["all", "hand_made"]),
        "query_query": st.booleans(),
        "candidate_candidate": st.booleans(),
    }
)


def oracle(embeddings: Tensor, relations: Relations, objective: Contrastive, options: dict, **more) -> tuple[Tensor, dict, Tensor]:
    """The oracle's loss, metrics and gradient at the embeddings, in float64."""
    exact = embeddings.detach().double().requires_grad_()
    loss, metrics = contrastive_loss(exact, relations, within_modality=objective.within_modality, **options, **more)
    (gradient,) = torch.autograd.grad(loss, exact)
    return loss.detach(), metrics, gradient


def assert_close(actual: Tensor, expected: Tensor) -> None:
    """To 1e-5 of the largest entry."""
    torch.testing.assert_close(actual.double(), expected, rtol=1e-5, atol=1e-5 * max(float(expected.abs().max()), 1e-3))


CONFIGS = {InfoNCE: InfoNCEConfig, MAMCL: MAMCLConfig}


@settings(max_examples=150, deadline=None, derandomize=True)
@given(random_relations(), OPTIONS, st.sampled_from([InfoNCE, MAMCL]), st.integers(0, 10**6), st.sampled_from([1, 7, 2**21]))
def test_loss_gradient_and_metrics_equal_the_oracle(relations, options, kind, seed, chunk):
    embeddings = unit(relations.num_contents, 6, seed).requires_grad_()
    objective = kind(CONFIGS[kind](**options))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparison, "CHUNK_ON_CPU", chunk)
        output = objective(embeddings, relations)
    output.loss.backward()
    loss, metrics, gradient = oracle(embeddings, relations, objective, options)
    assert_close(output.loss.detach(), loss)
    assert_close(embeddings.grad, gradient)
    for name, expected in metrics.items():
        assert output.metrics[name].item() == pytest.approx(expected, rel=1e-5, abs=1e-6), name
    assert output.metrics["temperature"].item() == pytest.approx(options["temperature"])


@settings(max_examples=50, deadline=None, derandomize=True)
@given(random_relations(), OPTIONS, st.sampled_from([InfoNCE, MAMCL]), st.integers(0, 10**6))
def test_the_loss_is_the_weighted_mean_of_the_terms_in_both_directions(relations, options, kind, seed):
    output = kind(CONFIGS[kind](**options))(unit(relations.num_contents, 6, seed), relations)
    terms = output.terms
    assert not any(value.requires_grad for value in vars(terms).values())
    weight_of = {TEXT: 2.0, TEXT | IMAGE: 0.25} if options["modality_weights"] else {}
    rows, modalities = terms.row.tolist(), terms.positive_modality.tolist()
    weights = [weight_of.get(modality, 1.0) / rows.count(row) for row, modality in zip(rows, modalities, strict=True)]
    mean = sum(weight * loss for weight, loss in zip(weights, terms.loss.tolist(), strict=True)) / sum(weights)
    assert output.loss.item() == pytest.approx(mean, rel=1e-5, abs=1e-6)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(random_relations(), OPTIONS, st.sampled_from([InfoNCE, MAMCL]), st.data())
def test_shares_of_the_rows_sum_to_the_whole(relations, options, kind, data):
    objective = kind(CONFIGS[kind](**options))
    order = data.draw(st.permutations(range(relations.num_rows)))
    cuts = sorted(data.draw(st.lists(st.integers(0, relations.num_rows), min_size=2, max_size=2)))
    whole = unit(relations.num_contents, 6, 0).requires_grad_()
    output = objective(whole, relations)
    output.loss.backward()
    parts = unit(relations.num_contents, 6, 0).requires_grad_()
    losses = []
    for start, end in pairwise([0, *cuts, relations.num_rows]):  # three ranks, some perhaps without a row
        part = objective(parts, relations, torch.tensor(order[start:end], dtype=torch.int64))
        part.loss.backward()
        losses.append(part.loss.detach())
    assert_close(sum(losses), output.loss.detach().double())
    assert_close(parts.grad, whole.grad.double())


def test_one_share_equals_the_oracle():
    relations = relations_of([0, 1, 2], [[3], [4, 5], [6]], [TEXT] * 4 + [IMAGE] * 3)
    embeddings = unit(7, 5, 1).requires_grad_()
    objective = MAMCL(MAMCLConfig(symmetric=True))
    output = objective(embeddings, relations, torch.tensor([1]))
    output.loss.backward()
    loss, _, gradient = oracle(embeddings, relations, objective, {"temperature": 0.03, "symmetric": True}, rows=[1])
    assert_close(output.loss.detach(), loss)
    assert_close(embeddings.grad, gradient)


def test_worked_by_hand():
    """Four texts ask for two images and two videos; t = 1/2 and all similarities are 1, 1/2, 0 or -1/2."""
    turned = [0, 60, 90, 120]  # degrees on the unit circle
    angles = torch.tensor([0.0, 0, 0, 0, *turned]) * math.pi / 180
    embeddings = torch.stack([angles.cos(), angles.sin()], dim=1)
    relations = relations_of([0, 1, 2, 3], [[4], [5], [6], [7]], [TEXT] * 4 + [IMAGE] * 2 + [VIDEO] * 2)
    e = math.exp
    # MAMCL: image rows see images (similarities 1, 1/2), video rows videos (0, -1/2); every logit is twice the similarity.
    image = [-math.log(e(2) / (e(2) + e(1))), -math.log(e(1) / (e(1) + e(2)))]
    video = [-math.log(e(0) / (e(0) + e(-1))), -math.log(e(-1) / (e(-1) + e(0)))]
    output = MAMCL(MAMCLConfig(temperature=0.5))(embeddings, relations)
    assert output.loss.item() == pytest.approx((sum(image) + sum(video)) / 4, rel=1e-6)
    terms = output.terms
    assert terms.loss.tolist() == pytest.approx(image + video, rel=1e-6)
    assert (terms.row.tolist(), terms.query_modality.tolist()) == ([0, 1, 2, 3], [TEXT] * 4)
    assert terms.positive_modality.tolist() == [IMAGE] * 2 + [VIDEO] * 2
    assert terms.positive_similarity.tolist() == pytest.approx([1, 0.5, 0, -0.5], abs=1e-6)
    assert terms.hardest_negative.tolist() == pytest.approx([0.5, 1, -0.5, 0], abs=1e-6)
    assert terms.correct.tolist() == [True, False, True, False]
    assert output.metrics["accuracy"].item() == 0.5
    assert output.metrics["num_negatives"].item() == 1
    # InfoNCE: all four compete.
    total = e(2) + e(1) + e(0) + e(-1)
    expected = sum(-math.log(e(logit) / total) for logit in (2, 1, 0, -1)) / 4
    assert InfoNCE(InfoNCEConfig(temperature=0.5, symmetric=False))(embeddings, relations).loss.item() == pytest.approx(expected, rel=1e-6)
    # The other way, each candidate finds four equal queries.
    expected = (expected + math.log(4)) / 2
    assert InfoNCE(InfoNCEConfig(temperature=0.5))(embeddings, relations).loss.item() == pytest.approx(expected, rel=1e-6)


def test_queries_and_candidates_among_themselves_by_hand():
    """Qwen3-Embedding's sum on orthogonal pairs: every similarity but that of a pair, 1/2, is 0; each sum has 1 + 1 + 1 zeros."""
    queries, candidates = torch.eye(6)[:3], torch.eye(6)[:3] / 2 + torch.eye(6)[3:] * math.sqrt(3) / 2
    embeddings = torch.cat([queries[:2], candidates[:2]])
    relations = relations_of([0, 1], [[2], [3]], [TEXT] * 4)
    for query_query, candidate_candidate in ((False, False), (True, False), (False, True), (True, True)):
        terms = {"query_query": query_query, "candidate_candidate": candidate_candidate}
        output = InfoNCE(InfoNCEConfig(temperature=0.5, symmetric=False, **terms))(embeddings, relations)
        zeros = 1 + query_query + candidate_candidate
        assert output.loss.item() == pytest.approx(-math.log(math.e / (math.e + zeros)), rel=1e-6)
        assert output.metrics["num_negatives"].item() == zeros


def test_queries_that_share_a_positive_do_not_compete():
    relations = relations_of([0, 1, 2], [[3, 4], [4], [5]], [TEXT] * 6)
    objective = InfoNCE(InfoNCEConfig(symmetric=False, query_query=True))
    # Of query 0: candidate 5 and query 2, twice; of query 1: candidates 3 and 5, query 2; of query 2: candidates 3 and 4, queries 0 and 1.
    assert objective(unit(6, 4, 0), relations).terms.num_negatives.tolist() == [2, 2, 3, 4]


def test_a_fusion_competes_with_neither_of_its_parts():
    relations = relations_of([0, 1, 2], [[3], [4], [5]], [TEXT, TEXT, TEXT, TEXT, IMAGE, TEXT | IMAGE])
    output = MAMCL()(unit(6, 4, 0), relations)
    assert output.loss.item() == 0
    assert output.metrics["share_without_negatives"].item() == 1


def test_hand_made_negatives_obey_the_mask_and_serve_all_rows():
    # Row 0 brings a video negative for its image positive: no negative of its own, but one of row 1, whose positive is a video.
    relations = relations_of([0, 1], [[2], [3]], [TEXT, TEXT, IMAGE, VIDEO, VIDEO], negative=[[4], []])
    embeddings = unit(5, 4, 0)
    output = MAMCL(MAMCLConfig(temperature=1.0))(embeddings, relations)
    odds = embeddings[1] @ embeddings[4] - embeddings[1] @ embeddings[3]
    assert output.loss.item() == pytest.approx(math.log1p(math.exp(odds)) / 2, rel=1e-5)
    assert output.metrics["num_negatives"].item() == 0.5


def test_terms_without_negatives_give_zero_loss_and_gradient_and_one_warning(caplog):
    relations = relations_of([0, 1, 2], [[3], [4], [5]], [TEXT, TEXT, TEXT, IMAGE, IMAGE, TEXT | VIDEO])
    embeddings = unit(6, 4, 0).requires_grad_()
    objective = MAMCL()
    with caplog.at_level(logging.WARNING):
        output = objective(embeddings, relations)
        objective(embeddings, relations)
    output.loss.backward()
    assert torch.isfinite(output.loss)
    assert embeddings.grad[[2, 5]].abs().max() == 0
    assert embeddings.grad[[0, 1, 3, 4]].abs().min(dim=1).values.min() > 0
    assert output.metrics["share_without_negatives"].item() == pytest.approx(1 / 3)
    assert [record.getMessage() for record in caplog.records] == [
        "1 of 3 positives have no negative in the batch, so they add nothing to the loss (modality text+video). "
        "A larger batch or a mixture with more of it gives them some. Said once; see the metric share_without_negatives."
    ]


def test_collapsed_embeddings_have_no_accuracy():
    relations = relations_of([0, 1], [[2], [3]], [TEXT] * 4)
    output = InfoNCE()(torch.ones(4, 2) / math.sqrt(2), relations)
    assert output.metrics["accuracy"].item() == 0  # a tie beats nobody
    assert output.loss.item() == pytest.approx(math.log(2))


def test_the_first_of_equal_fingerprints_receives_the_gradient():
    # Content 5 repeats the candidate 2, content 4 the query 0.
    relations = relations_of([0, 1, 4], [[2], [3], [5]], [TEXT] * 6, fingerprint=[10, 11, 12, 13, 10, 12])
    embeddings = unit(6, 4, 0).requires_grad_()
    output = InfoNCE()(embeddings, relations)
    output.loss.backward()
    assert output.metrics["num_negatives"].item() == 1  # two candidates in all
    assert embeddings.grad[[4, 5]].abs().max() == 0
    assert embeddings.grad[:4].abs().max(dim=1).values.min() > 0


@pytest.mark.parametrize("kind", [InfoNCE, MAMCL])
def test_bfloat16_embeddings_give_float32_logits_and_bfloat16_gradients(kind):
    relations = relations_of(list(range(8)), [[8 + row] for row in range(8)], [TEXT] * 8 + [IMAGE] * 4 + [VIDEO] * 4)
    embeddings = unit(16, 32, 3, dtype=torch.bfloat16).requires_grad_()
    objective = kind()
    output = objective(embeddings, relations)
    output.loss.backward()
    loss, _, gradient = oracle(embeddings, relations, objective, {"temperature": 0.03, "symmetric": objective.symmetric})
    assert output.loss.dtype == torch.float32
    assert_close(output.loss.detach(), loss)  # of the rounded embeddings, exactly
    assert embeddings.grad.dtype == torch.bfloat16
    torch.testing.assert_close(embeddings.grad.double(), gradient, rtol=2**-8, atol=1e-5)


def test_surroundings_do_not_lower_the_precision():
    relations = relations_of(list(range(8)), [[8 + row] for row in range(8)], [TEXT] * 16)
    embeddings = unit(16, 64, 3)
    expected = InfoNCE()(embeddings, relations).loss
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision("medium")
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert torch.equal(InfoNCE()(embeddings, relations).loss, expected)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)


def test_the_outer_factor_scales_the_gradient():
    relations = relations_of([0, 1], [[2], [3]], [TEXT] * 4)
    plain, scaled = unit(4, 3, 0).requires_grad_(), unit(4, 3, 0).requires_grad_()
    InfoNCE()(plain, relations).loss.backward()
    (3 * InfoNCE()(scaled, relations).loss).backward()
    torch.testing.assert_close(scaled.grad, 3 * plain.grad)


def test_a_second_backward_is_refused():
    relations = relations_of([0, 1], [[2], [3]], [TEXT] * 4)
    loss = InfoNCE()(unit(4, 3, 0).requires_grad_(), relations).loss
    loss.backward(retain_graph=True)
    with pytest.raises(TrainingError, match="can be taken once"):
        loss.backward()


def test_without_grad_no_graph_is_made():
    relations = relations_of([0, 1], [[2], [3]], [TEXT] * 4)
    with torch.no_grad():
        assert not InfoNCE()(unit(4, 3, 0).requires_grad_(), relations).loss.requires_grad
    assert not InfoNCE()(unit(4, 3, 0), relations).loss.requires_grad


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"temperature": 0.0}, ConfigError, r"objective\.temperature must be a number above 0, but is 0\.0"),
        ({"temperature": math.nan}, ConfigError, r"objective\.temperature must be a number above 0, but is nan"),
        ({"temperature": 5.0, "learnable_temperature": True}, ConfigError, r"must be between 0\.01 and 1\.0, but is 5\.0"),
        ({"modality_weights": {"text": 0}}, ConfigError, r"objective\.modality_weights\.text must be a number above 0, but is 0"),
        ({"modality_weights": {"txt": 1.0}}, DataError, r"modality must be one of .*image, text, video, but is 'txt'.*Did you mean 'text'"),
        ({"false_negative_margin": -0.1}, ConfigError, r"false_negative_margin must be null or a number of at least 0, but is -0\.1"),
        ({"hardness_on": "own"}, ConfigError, r"objective\.hardness_on must be one of all, hand_made, but is 'own'"),
        ({"hardness": -1.0}, ConfigError, r"objective\.hardness must be a number of at least 0, but is -1\.0"),
    ],
)
def test_bad_options_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        MAMCL(MAMCLConfig(**options))


def test_bad_shapes_and_indices_are_refused():
    end = 1 << len(Modality)

    def relations(**changes) -> Relations:
        good = relations_of([0, 1], [[2], [3]], [TEXT] * 4)
        return Relations(**{**vars(good), **changes})

    objective = MAMCL()
    cases = [
        (unit(5, 3, 0), relations(), None, r"embeddings must be \(4, D\), a row a content, but is \(5, 3\)"),
        (unit(4, 3, 0), relations(identity=torch.zeros(3)), None, r"relations\.identity must be \(4,\), but is \(3,\)"),
        (
            unit(4, 3, 0),
            relations(positive=torch.tensor([[2]])),
            None,
            r"relations\.positive must be \(2, n\), a row a query, but is \(1, 1\)",
        ),
        (unit(4, 3, 0), relations(query=torch.tensor([0, 4])), None, r"relations\.query must be in 0\.\.3, but is 4"),
        (unit(4, 3, 0), relations(positive=torch.tensor([[-1], [2]])), None, r"relations\.positive\[:, 0\] must be in 0\.\.3, but is -1"),
        (
            unit(4, 3, 0),
            relations(modality=torch.tensor([1, 1, end, 1])),
            None,
            rf"relations\.modality must be in 1\.\.{end - 1}, but is {end}",
        ),
        (unit(4, 3, 0), relations(), torch.tensor([2]), r"rows must be in 0\.\.1, but is 2"),
    ]
    for embeddings, bad, rows, message in cases:
        with pytest.raises(TrainingError, match=message):
            objective(embeddings, bad, rows)
