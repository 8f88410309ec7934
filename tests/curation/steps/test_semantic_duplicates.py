import numpy as np
import pytest

from tests.curation.material import collection, row
from tests.curation.steps.material import drops, embed
from unite.curation.steps.semantic_duplicates import SemanticDuplicates
from unite.errors import ConfigError


def test_an_encoder_finds_what_says_the_same_otherwise():
    angles = np.radians([0, 5, 10, 90, 94, 200])  # cos 8 degrees is 0.9903
    embeddings = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    rows = [row(f"text {at}", f"answer {'x' * at}") for at in range(6)]
    step = SemanticDuplicates(embed=embed, min_cosine=0.9903)
    assert step.columns == {"exact", "instruction"}
    assert drops(step.judge_set(collection(rows, (embeddings, embeddings)))) == {1: "near duplicate", 4: "near duplicate"}
    turned = embeddings[[5, 0, 1, 2, 3, 4]]  # 0 and 5 degrees stay beside each other, at rows 1 and 2
    assert sorted(step.judge_set(collection(rows, (embeddings, turned))).drops) == [2]
    best = SemanticDuplicates(embed=embed, min_cosine=0.9903, keep="longest_caption").judge_set(collection(rows, (embeddings, embeddings)))
    assert {at: drop.detail for at, drop in best.drops.items()} == {1: "of s/2", 3: "of s/4"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"of": "rows"}, "semantic_duplicates.of must be one of positive, query, row"),
        ({"keep": "best"}, "semantic_duplicates.keep must be one of first, largest, longest_caption, sharpest, but is 'best'"),
        ({"min_cosine": 0}, "semantic_duplicates.min_cosine must be above 0"),
        ({"num_neighbours": 0}, "semantic_duplicates.num_neighbours must be at least 1"),
    ],
)
def test_bad_arguments_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        SemanticDuplicates(embed, **options)
