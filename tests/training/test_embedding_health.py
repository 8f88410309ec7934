"""What is logged of the embeddings: which of them, and when. The formulas are tested in `tests/embedding/test_geometry.py`."""

import math

import pytest
import torch

from tests.training.ranks import in_ranks, part
from tests.training.toy import batch_of, examples, fit, seeded_encoder
from unite.config.schema import MAMCLConfig
from unite.embedding.geometry import effective_rank, uniformity
from unite.errors import ConfigError
from unite.objective import MAMCL
from unite.training.embedding_health import ROWS_A_STEP, STEPS, EmbeddingHealth, health, sample
from unite.training.step import ContrastiveStep
from unite.types import Modality


def unit(*shape):
    return torch.nn.functional.normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(0)), dim=-1)


def test_values_equal_the_formulas_and_equal_contents_count_once():
    embeddings = unit(6, 2, 8)
    fingerprint = torch.arange(12).view(6, 2)
    embeddings[5, 0], fingerprint[5, 0] = embeddings[2, 0], fingerprint[2, 0]
    modality = torch.tensor([[1, 2], [1, 2], [1, 4], [2, 1], [3, 2], [1, 2]])
    found = health(embeddings, modality, fingerprint)
    pairs = [(one.tolist(), other.tolist()) for one, other in embeddings]
    assert found["alignment"] == pytest.approx(sum(math.dist(*pair) ** 2 for pair in pairs) / 6)
    contents = embeddings.flatten(0, 1)[[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11]]
    kinds = modality.flatten()[[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11]]
    assert found["uniformity"] == pytest.approx(uniformity(contents))
    assert found["effective_rank"] == pytest.approx(effective_rank(contents))
    names = {1: "text", 2: "image", 3: "text+image", 4: "video"}
    gaps = {f"modality_gap/{names[a]}-{names[b]}": (a, b) for a in names for b in names if a < b}
    assert {name for name in found if "gap" in name} == set(gaps)
    for name, (a, b) in gaps.items():
        assert found[name] == pytest.approx(math.dist(*(contents[kinds == kind].mean(0).tolist() for kind in (a, b))), rel=1e-5)


def looked_at(rows):
    step = ContrastiveStep(seeded_encoder(), MAMCL(MAMCLConfig(temperature=0.1)), 1)
    return health(*sample(step(batch_of(rows), torch.Tensor.backward)))


def looked_at_by_rank(rank, num_ranks):
    return looked_at(part(examples(41), rank, num_ranks))


def test_each_of_two_ranks_sees_its_own_rows_as_one_process_does(tmp_path):
    for rank, found in enumerate(in_ranks(looked_at_by_rank, 2, tmp_path, 2)):
        assert found == pytest.approx(looked_at(part(examples(41), rank, 2)))


def test_one_content_alone_has_no_uniformity():
    same = unit(1, 1, 8).expand(3, 2, 8)
    found = health(same, torch.ones(3, 2, dtype=torch.int64), torch.zeros(3, 2, dtype=torch.int64))
    assert found == pytest.approx({"alignment": 0, "effective_rank": 1}, abs=1e-5)


def test_a_row_of_the_log_comes_every_n_steps_and_looks_at_the_last_steps(monkeypatch):
    seen = []

    def looked(embeddings, modality, fingerprint):
        seen.append((tuple(embeddings.shape), set(modality.flatten().tolist())))
        return {"alignment": 0.5}

    monkeypatch.setattr("unite.training.embedding_health.health", looked)
    every = STEPS + 2
    batches = [batch_of(examples(ROWS_A_STEP + 3)) for _ in range(2 * every + 1)]
    rows = fit(batches, MAMCL(MAMCLConfig(temperature=0.1)), [EmbeddingHealth(every)]).rows
    assert rows == {every: {"health/alignment": 0.5}, 2 * every: {"health/alignment": 0.5}}
    assert seen == [((STEPS * ROWS_A_STEP, 2, 8), {Modality.TEXT.value})] * 2


def test_the_interval_must_be_positive():
    with pytest.raises(ConfigError, match="trainer.health_every_n_steps must be at least 1, or 0 for never, but is -5"):
        EmbeddingHealth(-5)
