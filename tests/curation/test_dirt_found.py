"""Rows left out rightly and wrongly, of a collection small enough to count by hand."""

from collections import Counter

import pytest

from tests.media.material import photograph
from unite.curation.dirt_found import Found, found_in, read_faults
from unite.curation.pipeline import Curation
from unite.curation.recipes.image_captions import ImageCaptions
from unite.curation.steps.exact_duplicates import ExactDuplicates
from unite.curation.steps.text_length import TextLength
from unite.errors import DataError
from unite.files import write_lines

#: Caption, and what is so of it. The sixth row is a duplicate of the first; the third picture is broken.
ROWS = [
    ("one red", "clean"),
    ("two", "clean"),
    ("three red", "unreadable"),
    ("four red", "wrong_caption"),
    ("five", "wrong_caption"),
    ("one red", "duplicate"),
]


@pytest.fixture(scope="module")
def curated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dirt")
    for seed in range(5):
        photograph(seed, 32, 32).save(folder / f"{seed}.png")
    (folder / "2.png").write_bytes(b"")
    write_lines(folder / "table.jsonl", ({"image": f"{at % 5}.png", "caption": caption} for at, (caption, _) in enumerate(ROWS)))
    write_lines(folder / "truth.jsonl", ({"record": at, "fault": fault} for at, (_, fault) in enumerate(ROWS)))
    steps = [TextLength(min_words=2, name="length"), ExactDuplicates(name="exact")]
    Curation([ImageCaptions("pairs", folder / "table.jsonl")], steps, out=folder / "set", workers=1, progress=False).run()
    return folder


def test_rows_are_counted_by_step_and_fault(curated):
    found = found_in(curated / "set", read_faults(curated))
    by_step = Counter({("length", "clean"): 1, ("length", "wrong_caption"): 1, ("exact", "duplicate"): 1})
    assert sum(num for (_, fault), num in found.left_out.items() if fault == "unreadable") == 1
    assert Counter({key: num for key, num in found.left_out.items() if key[1] != "unreadable"}) == by_step
    assert found.kept == {"clean": 1, "wrong_caption": 1}
    assert (found.num_left_out("wrong_caption"), found.num_left_out("wrong_caption", "exact")) == (1, 0)
    assert (found.rightly, found.wrongly) == (3, 1)
    assert (found.precision, found.recall) == (3 / 4, 3 / 4)


def test_where_nothing_is_left_out_or_wrong_there_is_no_division_by_zero():
    nothing = Found(Counter(), Counter({"clean": 3}))
    assert (nothing.precision, nothing.recall) == (1.0, 1.0)


def test_a_set_of_another_table_is_refused(curated):
    with pytest.raises(DataError, match=r"must be those of truth\.jsonl \(7\), but is 6.*Curate the dirty table alone"):
        found_in(curated / "set", [*read_faults(curated), "clean"])
