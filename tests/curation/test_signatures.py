import io

import numpy as np
import pytest
from PIL import Image

from tests.curation.material import Rows, loaded, row
from tests.curation.steps.material import SENTENCE
from tests.media.material import encoded, image_medium, photograph
from unite.curation.part import PartTask, cut
from unite.curation.picture_codes import picture_code
from unite.curation.signatures import COLUMNS, Signatures, hashed_shingles, minhash, normalise, sign_row
from unite.curation.steps.exact_duplicates import ExactDuplicates
from unite.curation.steps.near_duplicates import NearDuplicates
from unite.curation.steps.similarity import Similarity
from unite.curation.steps.step import columns_of
from unite.media.picture import thumbnail


def reread(image):
    return Image.open(io.BytesIO(encoded(image)))


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
    looks = [found.query.looks(), found.positives[0].looks()]
    whole = Signatures.of([sign_row(found.store(), looks)] * 2)
    for columns in (frozenset(), frozenset({"exact"}), frozenset({"length", "pictures"}), COLUMNS):
        signatures = Signatures.of([sign_row(found.store(), looks, columns)] * 2, columns)
        signatures.save(tmp_path / "signatures.npz")
        loaded_again = Signatures.concatenate([Signatures.load(tmp_path / "signatures.npz")] * 2)
        assert len(loaded_again) == 4
        np.testing.assert_array_equal(loaded_again.pictures, np.repeat(whole.pictures[:1], 4 if "pictures" in columns else 0, axis=0))
        for name in ("modality", "group", *(COLUMNS - {"pictures"}), "num_pictures"):
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

    assert columns_of([]) == frozenset() and columns_of([OneOfAUser()]) == COLUMNS
    assert columns_of([NearDuplicates(), NearDuplicates(keep="sharpest")]) == {
        "exact",
        "instruction",
        "length",
        "minhash",
        "pictures",
        "sharpness",
    }
    assert columns_of([Similarity(None), ExactDuplicates()]) == {"exact", "instruction"}


def test_no_text_is_sketched_where_no_step_compares_sketches(tmp_path, monkeypatch):
    monkeypatch.setattr("unite.curation.signatures.minhash", None)
    recipes = [Rows([row()])]
    parts = cut(recipes, 10, tmp_path)
    assert PartTask(recipes, [], None, parts, columns_of([ExactDuplicates()]), ["rows"])(0) == 1


def test_the_pictures_of_some_rows_stay_with_them():
    shown = [[], [photograph(0)], [photograph(1), photograph(2)], [photograph(at) for at in range(3, 8)]]
    rows = [
        loaded(row(f"row {at}", "", query_media=list(map(image_medium, one)), positive_media=[image_medium()]))
        for at, one in enumerate(shown)
    ]
    signatures = Signatures.of([sign_row(one.store(), [one.query.looks(), one.positives[0].looks()]) for one in rows])
    assert signatures.num_pictures.tolist() == [[0, 1], [1, 1], [2, 1], [3, 1]]  # of five the first, the middle and the last
    taken = signatures.take(np.array([3, 0, 2]))
    expected = [
        picture_code(thumbnail(image)) for image in map(reread, [*(photograph(at) for at in (3, 5, 7)), photograph(), photograph()])
    ]
    np.testing.assert_array_equal(taken.pictures[:5], expected)
    assert taken.places(np.array([1, 2]), [1]).tolist() == [4, 7] and len(taken.pictures) == 8
    np.testing.assert_array_equal(taken.take(np.array([2])).pictures, signatures.pictures[signatures.places(np.array([2]))])
    assert (signatures.pixels[3] == [5 * 160 * 120, 160 * 120]).all() and signatures.sharpness[0, 0] == 0 < signatures.sharpness[0, 1]
