"""Captions to videos; their texts are in `test_rows`."""

import pytest

from unite.errors import DataError


def test_a_video_that_two_rows_name_is_one_candidate(changed):
    task = changed("YouCook2", lambda rows: rows.append({**rows[0], "sentence": "a horse runs"}))
    assert list(task.candidate_ids) == ["xHr8X2Wpmno_0", "b_1"] and len(task.query_ids) == 3
    assert task.relevant["q00002"] == {"xHr8X2Wpmno_0": 1} and task.pools is None


@pytest.mark.parametrize("captions", [[""], [None], [3]])
def test_a_first_caption_that_is_no_text_is_refused(captions, changed):
    with pytest.raises(DataError, match="caption in row 0 of rows/MSVD of task MSVD must be a text, or a list that begins with one"):
        changed("MSVD", lambda rows: rows[0].update(caption=captions), ".json")
