import numpy as np
import pytest

from tests.curation.material import collection, row
from tests.media.material import image_medium, photograph
from unite.curation.near_matches import Likeness, NearPictures, find, side_finders
from unite.errors import ConfigError

LIKENESS = Likeness(threshold=0.8, picture_threshold=0.92, max_crop=0.1, mirrored=True)


def finders_of(contents):
    """Finders of queries, each (text, numbers of photographs)."""
    rows = [row(text, "p", query_media=[image_medium(photograph(at)) for at in pictures]) for text, pictures in contents]
    made = collection(rows)
    return side_finders(made.signatures, 0, LIKENESS, lambda entry: made.text(entry, 0))


def test_what_is_found_is_like_in_all_that_is_asked_for():
    sentence = "a long sentence about nothing in particular"
    contents = [(sentence, [0]), (sentence, []), ("", [0]), (sentence, [1]), (sentence + "!", [0]), ("", [0, 1]), ("", [1])]
    finders = finders_of(contents)
    for entry in range(len(contents)):
        for finder in finders:
            finder.add(entry)
    assert sorted(find([finders], 0)) == [0, 4]  # texts and pictures
    assert sorted(find([finders], 1)) == [0, 1, 3, 4]
    assert sorted(find([finders], 2)) == [0, 2, 4, 5]
    assert sorted(find([finders], 5)) == [5]  # each of its two pictures


def test_a_side_that_has_nothing_to_compare_is_like_none():
    finders = finders_of([("the same text as the other", []), ("the same text as the other", [])])
    for finder in finders:
        finder.add(0)
    assert sorted(find([finders], 1)) == [0] and not find([finders, finders_of([("", []), ("", [])])], 1)


def test_known_pictures_alone_are_found():
    rows = [row(str(at), "", positive_media=[image_medium(photograph(seed))]) for at, seed in enumerate((0, 1, 1, 0, 2))]
    signatures = collection(rows).signatures
    index = NearPictures(signatures.num_pictures[:, 1], signatures.pictures, LIKENESS.rule, num_known=2)
    for entry in range(2):
        index.add(entry)
    assert [index.any_like(entry) for entry in range(5)] == [{0}, {1}, {1}, {0}, set()]
    empty = NearPictures(np.zeros(0, np.uint8), signatures.pictures[:0], LIKENESS.rule, num_known=0)
    assert isinstance(empty, NearPictures)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((0, 0.9, 0.1, True), "mine.threshold must be above 0, at most 1, but is 0"),
        ((0.8, 1.2, 0.1, True), "mine.picture_threshold must be above 0, at most 1, but is 1.2"),
        ((0.8, 0.9, 0.3, True), "mine.max_crop must be from 0 to 0.2, but is 0.3"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        Likeness(*options).check("mine")
