"""The faults of a dirty collection are what truth.jsonl says, as many as were asked for, and the same each time."""

import io
from collections import Counter

import pytest
from PIL import Image

from tests.media.material import photograph
from unite.curation.dirt import CLEAN, FAULTS, CaptionedPicture, dirty, write_dirty
from unite.errors import ConfigError, DataError
from unite.files import read_lines

SHARES = {"wrong_caption": 0.2, "other_language": 0.1, "unreadable": 0.3, "duplicate": 0.1, "near_duplicate": 0.25, "leak": 0.15}


def png(seed):
    file = io.BytesIO()
    photograph(seed, 40, 30).save(file, "PNG")
    return file.getvalue()


PAIRS = [CaptionedPicture(png(seed), "png", f"caption {seed}", f"concept {seed // 2}") for seed in range(20)]
TESTS = [CaptionedPicture(png(seed), "png", f"test {seed}", f"tested {seed}") for seed in range(100, 105)]
TRANSLATIONS = {"concept 0": ["Wort", "mot"], "concept 1": ["zwei"]}


@pytest.fixture(scope="module")
def rows():
    return dirty(PAIRS, TESTS, TRANSLATIONS, SHARES, seed=3)


def test_each_fault_has_its_share_of_the_clean_pairs_and_no_pair_two(rows):
    assert Counter(row.fault for row in rows) == {CLEAN: 8, **{fault: round(20 * share) for fault, share in SHARES.items()}}
    own = [row.of for row in rows if row.fault not in ("duplicate", "near_duplicate", "leak")]
    assert sorted(own) == list(range(20))
    copied = [row.of for row in rows if row.fault in ("duplicate", "near_duplicate")]
    assert len(set(copied)) == 7 and set(copied) <= {row.of for row in rows if row.fault == CLEAN}


def test_each_row_is_what_its_fault_says(rows):
    for row in rows:
        pair, made = (TESTS if row.fault == "leak" else PAIRS)[row.of], row.pair
        same_picture = made.picture == pair.picture and made.suffix == pair.suffix
        if row.fault in (CLEAN, "duplicate"):
            assert made == pair
        elif row.fault == "wrong_caption":
            (of,) = (other.concept for other in PAIRS if other.caption == made.caption)
            assert same_picture and of != pair.concept
        elif row.fault == "other_language":
            assert same_picture and made.caption in TRANSLATIONS[pair.concept]
        elif row.fault == "unreadable":
            assert made.caption == pair.caption
            with pytest.raises((OSError, SyntaxError)):
                Image.open(io.BytesIO(made.picture)).load()
        else:
            assert made.caption == pair.caption and (same_picture == (row.how == "as it is"))
            Image.open(io.BytesIO(made.picture)).load()
    assert {row.how for row in rows if row.fault == "unreadable"} == {"empty", "cut off", "web page"}


def test_a_copy_comes_after_its_original(rows):
    place = {row.of: at for at, row in enumerate(rows) if row.fault == CLEAN}
    assert all(at > place[row.of] for at, row in enumerate(rows) if row.fault in ("duplicate", "near_duplicate"))


def test_the_seed_alone_says_what_is_drawn(rows):
    assert dirty(PAIRS, TESTS, TRANSLATIONS, SHARES, seed=3) == rows != dirty(PAIRS, TESTS, TRANSLATIONS, SHARES, seed=4)


def test_without_shares_the_collection_is_clean_and_in_another_order():
    found = dirty(PAIRS, [], {}, {})
    assert sorted(row.of for row in found) == list(range(20)) != [row.of for row in found]
    assert {row.fault for row in found} == {CLEAN}


@pytest.mark.parametrize(
    ("shares", "told"),
    [
        ({"typo": 0.1}, f"a fault must be one of .*{FAULTS[0]}.*typo"),
        ({"leak": 1.5}, r"the share of leak must be from 0 to 1, but is 1\.5"),
        ({"leak": 0.5}, "what leak is made of must be at least 10, but is 5"),
        ({"other_language": 0.5}, "what other_language is made of must be at least 10, but is 4"),
        ({"duplicate": 0.6, "wrong_caption": 0.6}, "what duplicate is made of must be at least 12, but is 8"),
    ],
)
def test_shares_that_cannot_be(shares, told):
    with pytest.raises(ConfigError, match=told):
        dirty(PAIRS, TESTS, TRANSLATIONS, shares)


def test_captions_of_one_concept_are_never_wrong():
    with pytest.raises(ConfigError, match="at least two, so that a caption can be wrong"):
        dirty(PAIRS[:2], [], {}, {"wrong_caption": 0.5})


def test_the_folder_holds_what_the_rows_are(rows, tmp_path):
    folder = tmp_path / "raw"
    write_dirty(folder, rows, PAIRS)
    for name, pairs in (("table", [row.pair for row in rows]), ("clean", PAIRS)):
        lines = list(read_lines(folder / f"{name}.jsonl"))
        assert [((folder / line["image"]).read_bytes(), line["caption"]) for line in lines] == [
            (pair.picture, pair.caption) for pair in pairs
        ]
    truth = list(read_lines(folder / "truth.jsonl"))
    assert truth == [{"record": at, "fault": row.fault, "how": row.how, "of": row.of} for at, row in enumerate(rows)]
    with pytest.raises(DataError, match="must be a new one"):
        write_dirty(folder, rows, PAIRS)
