import numpy as np

from tests.curation.steps.material import SENTENCE
from unite.curation.signatures import hashed_shingles, minhash, normalise


def test_minhash_estimates_jaccard_similarity():
    def shingles(text):
        return {text[at : at + 5] for at in range(len(text) - 4)}

    pairs = [(SENTENCE, SENTENCE.replace(old, new)) for old, new in (("old", "big"), ("dog runs", "cat walks"), ("the", "a"), ("a ", "x"))]
    errors = []
    for one, other in pairs:
        exact = len(shingles(one) & shingles(other)) / len(shingles(one) | shingles(other))
        errors.append((minhash(normalise(one)) == minhash(normalise(other))).mean() - exact)
    assert np.abs(errors).max() < 0.2 and abs(np.mean(errors)) < 0.1  # the standard error of 64 permutations is at most 0.063


def test_each_run_of_five_characters_has_a_hash_of_its_own():
    rng = np.random.default_rng(0)
    for letters in ("ab", "abcdefgh ", "猫の手も借りたい"):
        text = "".join(rng.choice(list(letters), 5000))
        assert len(hashed_shingles(text)) == len({text[at : at + 5] for at in range(len(text) - 4)})
    assert [len(hashed_shingles(text)) for text in ("", "a", "abcd", "abcde", "abcdef", "aaaaaaaa")] == [0, 1, 1, 1, 2, 1]
    assert hashed_shingles("abcd") != hashed_shingles("abce")
