import numpy as np
import pytest

from tests.curation.material import collection, row
from tests.curation.steps.material import drops, embed, write_short
from unite.curation.steps.semantic_decontamination import SemanticDecontamination
from unite.errors import ConfigError


def test_an_encoder_finds_other_words_of_a_task(tmp_path):
    vectors = {"red panda": 0, "ailurus": 60, "dog": 120, "canis": 180, "cat": 240, "felis": 300}

    def embed(contents):
        angles = np.radians([vectors[content.text] for content in contents])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)

    angles = np.radians([[3, 30], [30, 183], [90, 150]])
    embeddings = tuple(np.stack([np.cos(side), np.sin(side)], axis=1).astype(np.float32) for side in angles.T)
    rows = [row("lesser panda", "x"), row("y", "hound"), row("mouse", "rat")]
    task = write_short(tmp_path / "task")
    verdict = SemanticDecontamination([task], embed).judge_set(collection(rows, embeddings))
    assert drops(verdict) == dict.fromkeys((0, 1), "the same as in an evaluation task")
    assert verdict.drops[1].detail == "like candidate c1 of names, cosine 0.999"
    assert not SemanticDecontamination([task], embed, min_cosine=0.9999).judge_set(collection(rows, embeddings)).drops


def test_bad_arguments_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="semantic_decontamination.tasks must be at least one task folder"):
        SemanticDecontamination([], embed)
    with pytest.raises(ConfigError, match="semantic_decontamination.min_cosine must be above 0, at most 1, but is 2"):
        SemanticDecontamination([write_short(tmp_path / "task")], embed, min_cosine=2)
