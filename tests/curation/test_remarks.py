"""What is said of a set that is made. Of media that are to be looked at: `test_datasheet.py`."""

import pytest

from tests.curation.material import Rows, row
from unite.curation.pipeline import Curation
from unite.curation.steps.text_length import TextLength
from unite.errors import DataError


def test_a_source_without_a_row_left_is_said(tmp_path, caplog):
    recipes = [Rows([row("one two three", "four five six")], "some"), Rows([row()], "none"), Rows([], "empty")]
    sheet = Curation(recipes, [TextLength(min_words=3)], out=tmp_path / "set", workers=1, progress=False).run()
    assert "no row of source none is left: 1 text_length: text too short" in caplog.text
    assert "no row of source empty is left: no row came in" in caplog.text and "source some" not in caplog.text
    assert {name: (one["in"], one["out"]) for name, one in sheet["sources"].items()} == {"some": (1, 1), "none": (1, 0), "empty": (0, 0)}


def test_a_step_that_leaves_out_nearly_all_is_said(tmp_path, caplog):
    """As three words at least do to a set of labels; half of a source is nothing to tell of."""
    rows = [row(f"picture number {at}", "a cat here" if at == 7 else f"label{at}") for at in range(30)]
    Curation([Rows(rows, "labels")], [TextLength(min_words=3)], out=tmp_path / "labels", workers=1, progress=False).run()
    assert caplog.messages == [
        "step text_length leaves out 29 of 30 rows of source labels (text too short: 29). Are its options meant for such rows?"
    ]
    caplog.clear()
    half = [row(f"picture number {at}", "a cat here" if at % 2 else f"label{at}") for at in range(30)]
    Curation([Rows(half)], [TextLength(min_words=3)], out=tmp_path / "half", workers=1, progress=False).run()
    assert not caplog.messages


def test_a_set_without_rows_is_an_error(tmp_path):
    with pytest.raises(DataError, match="left with at least one row, but is 'empty after 1 text_length: text too short'"):
        Curation([Rows([row()])], [TextLength(min_words=9)], out=tmp_path / "set", workers=1, progress=False).run()
    with pytest.raises(DataError, match="but is 'empty after no row came in'. There is no record in the annotations of table"):
        Curation([Rows([], "table")], out=tmp_path / "other", workers=1, progress=False).run()
