from itertools import combinations

import numpy as np
import pytest

from unite.curation.near_texts import NearTexts, banding, jaccard
from unite.curation.signatures import hashed_shingles, minhash

WORDS = [
    "the",
    "a",
    "red",
    "old",
    "small",
    "boat",
    "house",
    "river",
    "mountain",
    "child",
    "dog",
    "stands",
    "runs",
    "sleeps",
    "under",
    "beside",
    "behind",
    "over",
    "in",
    "of",
    "light",
    "rain",
    "snow",
]


def edited_texts(num=40, copies=5):
    """Texts, each with copies of which ever more words are others."""
    rng = np.random.default_rng(0)
    for _ in range(num):
        words = rng.choice(WORDS, 40).tolist()
        for copy in range(copies):
            for at in rng.integers(0, len(words), copy).tolist():
                words[at] = str(rng.choice(WORDS))
            yield " ".join(words)


def shingles(text):
    return {text[at : at + 5] for at in range(len(text) - 4)}


@pytest.fixture(scope="module")
def compared():
    """The texts, their sketches, and the Jaccard similarity of all pairs."""
    texts = list(edited_texts())
    sets = list(map(shingles, texts))
    similarities = {
        (one, other): len(sets[one] & sets[other]) / len(sets[one] | sets[other]) for one, other in combinations(range(len(texts)), 2)
    }
    return texts, np.stack(list(map(minhash, texts))), similarities


@pytest.mark.parametrize("threshold", [0.5, 0.75, 0.8, 0.82, 0.9])
def test_what_is_found_is_what_comparing_all_finds(compared, threshold):
    texts, sketches, similarities = compared
    true = {pair for pair, similarity in similarities.items() if similarity >= threshold}
    index = NearTexts(sketches, np.ones(len(texts), bool), texts.__getitem__, threshold)
    found = set()
    for entry in range(len(texts)):
        candidates = index.candidates(entry)
        assert index.num_candidates(entry) >= len(candidates)
        found |= {(other, entry) for other in index.alike(entry, candidates)}
        index.add(entry)
    assert not found - true and len(true) > 20
    assert len(true - found) < 0.02 * len(true)


def test_bands_are_as_long_as_the_recall_allows():
    for threshold in (0.3, 0.5, 0.8, 0.9):
        bands, rows = banding(threshold)
        assert bands * rows <= 64 and 1 - (1 - threshold**rows) ** bands >= 0.99
    assert banding(0.8) == (12, 5) and banding(1.0) == (1, 64) and banding(0.01) == (64, 1)


def test_entries_without_a_text_are_never_found_and_no_text_is_read_in_vain():
    def text(entry):
        raise AssertionError("nobody is in doubt")

    sketches = np.stack([minhash(one) for one in ("", "", "one thing and another", "what has nothing to do with it")])
    index = NearTexts(sketches, np.array([False, False, True, True]), text, 0.8)
    for entry in (0, 2):
        index.add(entry)
    assert not index.has(1) and index.candidates(1) == index.candidates(3) == set() and index.alike(3, [0, 2]) == []


def test_jaccard_similarity_of_sets():
    assert jaccard(hashed_shingles("abcdefg"), hashed_shingles("bcdefgh")) == 2 / 4
    assert jaccard(hashed_shingles(""), hashed_shingles("")) == 0
