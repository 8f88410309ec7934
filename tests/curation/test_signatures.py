import numpy as np
import pytest

from tests.curation.material import Rows, loaded, row
from tests.curation.steps.material import SENTENCE
from tests.media.material import image_medium
from unite.curation.part import PartTask, cut
from unite.curation.signatures import COLUMNS, Signatures, hashed_shingles, minhash, normalise, sign_row
from unite.curation.steps.exact_duplicates import ExactDuplicates
from unite.curation.steps.near_duplicates import NearDuplicates
from unite.curation.steps.similarity import Similarity
from unite.curation.steps.step import columns_of


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


def test_columns_that_no_step_looks_at_are_not_made_and_cannot_be_read_by_mistake(tmp_path):
    found = loaded(row("a cat", "", positive_media=[image_medium()]))
    greys = [found.query.greys(), found.positives[0].greys()]
    whole = Signatures.of([sign_row(found.store(), greys)] * 2)
    for columns in (frozenset(), frozenset({"exact"}), frozenset({"length", "pictures"}), COLUMNS):
        signatures = Signatures.of([sign_row(found.store(), greys, columns)] * 2, columns)
        signatures.save(tmp_path / "signatures.npz")
        loaded_again = Signatures.concatenate([Signatures.load(tmp_path / "signatures.npz")] * 2)
        assert len(loaded_again) == 4
        for name in ("modality", "group", *COLUMNS, "num_pictures"):
            if name in columns or name in ("modality", "group") or (name == "num_pictures" and "pictures" in columns):
                np.testing.assert_array_equal(getattr(loaded_again, name)[2:], getattr(whole, name))
            else:
                with pytest.raises(IndexError):
                    getattr(loaded_again, name)[0, 1]


def test_a_step_that_names_no_columns_gets_all():
    class OneOfAUser:
        name = "mine"

        def judge_set(self, collection):
            raise NotImplementedError

    assert columns_of([]) == frozenset() and columns_of([OneOfAUser()]) == columns_of([NearDuplicates()]) == COLUMNS
    assert columns_of([Similarity(None), ExactDuplicates()]) == {"exact", "instruction"}


def test_no_text_is_sketched_where_no_step_compares_sketches(tmp_path, monkeypatch):
    monkeypatch.setattr("unite.curation.signatures.minhash", None)
    recipes = [Rows([row()])]
    parts = cut(recipes, 10, tmp_path)
    assert PartTask(recipes, [], None, parts, columns_of([ExactDuplicates()]), ["rows"])(0) == 1
