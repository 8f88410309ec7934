import json

import numpy as np
import pytest

from tests.search.corpora import unit, write
from unite.config.schema.vectors import Vectors
from unite.errors import ConfigError, DataError
from unite.search.index import near_duplicates
from unite.search.index.near_duplicates import write_near_duplicates


def by_loops(vectors, threshold):
    return {
        (f"r{first}", f"r{second}"): float(vectors[first] @ vectors[second])
        for first in range(len(vectors))
        for second in range(first + 1, len(vectors))
        if vectors[first] @ vectors[second] >= threshold
    }


def test_every_pair_is_found_once(tmp_path):
    vectors = unit(1500, clusters=120)
    write(tmp_path, vectors)
    found = list(near_duplicates(tmp_path, 0.9))
    expected = by_loops(vectors, 0.9)
    assert len(expected) > 800 and [(pair.first, pair.second) for pair in found] == list(expected)
    np.testing.assert_allclose([pair.similarity for pair in found], list(expected.values()), atol=1e-5)


@pytest.mark.parametrize("kept", list(Vectors))
def test_equal_vectors_are_found_from_a_similarity_of_1_on(tmp_path, kept):
    vectors = unit(20, dim=37)
    vectors[13] = vectors[4]
    write(tmp_path, vectors, kept)
    assert [pair[:2] for pair in near_duplicates(tmp_path, 1)] == [("r4", "r13")]


def test_they_are_written_as_lines_or_not_at_all(tmp_path):
    vectors = unit(6)
    vectors[3:] = vectors[0]
    write(tmp_path, vectors)
    with pytest.raises(DataError, match=r"the near-duplicates must be at most 5 pairs, but is 'more from a similarity of 0.9 on'. Raise"):
        write_near_duplicates(tmp_path, 0.9, most=5)
    assert not (tmp_path / "near_duplicates.jsonl").exists()
    assert write_near_duplicates(tmp_path, 0.9) == 6
    lines = [json.loads(line) for line in (tmp_path / "near_duplicates.jsonl").read_text().splitlines()]
    assert [(line["first"], line["second"]) for line in lines] == [
        ("r0", "r3"),
        ("r0", "r4"),
        ("r0", "r5"),
        ("r3", "r4"),
        ("r3", "r5"),
        ("r4", "r5"),
    ]
    assert all(abs(line["similarity"] - 1) < 1e-6 for line in lines)


def test_a_threshold_out_of_its_range_is_refused(tmp_path):
    for threshold in (0, 1.01):
        with pytest.raises(ConfigError, match="near_duplicates must be a cosine similarity above 0, at most 1, but is"):
            next(near_duplicates(tmp_path, threshold))
