"""Questions about videos; their texts are in `test_rows`."""

import pytest

from unite.errors import DataError


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("Video-MME", {"answer": "E"}, "answer in row 0 of rows/Video-MME of task Video-MME must be one of A, B, C, D, but is 'E'"),
        ("Video-MME", {"options": ["A. One.", "B. Two."]}, "must be one of A, B, but is 'C'"),
        ("Video-MME", {"options": ["A. . ", "B. x", "C. y", "D. z"]}, "the options in row 0 .* must be texts, none of them empty"),
        ("EgoSchema", {"answer": "2"}, "answer in row 0 of rows/EgoSchema .* must be from 0 to 1, but is '2'"),
        ("EgoSchema", {"answer": "B"}, "must be from 0 to 1, but is 'B'"),
        ("EgoSchema", {"option": []}, "option in row 0 .* must be there and not empty"),
        ("NExTQA", {"answer": 5}, "must be from 0 to 4, but is 5"),
        ("NExTQA", {"answer": -1}, "must be from 0 to 4, but is -1"),
        ("NExTQA", {"a3": None}, "a3 in row 0 .* must be there and not empty"),
        (
            "MVBench",
            {"answer": "Left."},
            "answer in row 0 of rows/MVBench/action_sequence .* must be one of its candidates, but is 'Left.'",
        ),
        ("NExTQA", {"video": 7.0}, "video in row 0 .* must be a text or a whole number, but is '7.0'"),
        ("ActivityNetQA", {"answer": "red"}, "answer in row 0 .* must be yes or no, but is 'red'"),
    ],
)
def test_an_answer_that_is_none_of_the_options_is_refused(name, change, message, changed):
    with pytest.raises(DataError, match=message):
        changed(name, lambda rows: rows[0].update(change))


def test_of_equal_options_the_first_stands_for_both_where_they_have_no_letters(suite):
    task = suite.load("NExTQA")
    assert task.pools["q00000"] == ["rocks", "beach", "no", "bench "]


def test_all_subsets_of_mvbench_must_be_there(changed, suite, tmp_path):
    changed("MVBench")
    (tmp_path / "MMEB-V2" / "video-tasks" / "rows" / "MVBench" / "state_change.parquet").unlink()
    message = r"without rows/MVBench/state_change\.parquet'.*as rows/MVBench/<subset>\.parquet, one for each of the 20 subsets"
    with pytest.raises(DataError, match=message):
        suite.tasks["MVBench"].load("MVBench", tmp_path, suite.decoding)
