import json

import pytest

from unite.errors import DataError
from unite.evaluation.failures_file import Failure, TaskFailures, failures_to_json, read_failures
from unite.media.preview import Preview

FOUND = TaskFailures(
    (Failure("q1", 17, ("c9", "c3"), (("c1", 0.9), ("c2", 0.8125))),),
    {"q1": Preview("a <b>cat</b> … 猫", "Find it.", (("image", "Zm9v"), ("video", "YmFy")))},
    {"c1": Preview(), "c2": Preview("two"), "c9": Preview("nine")},
)


def test_failures_survive_the_file(tmp_path):
    path = tmp_path / "s_failures.json"
    path.write_text(failures_to_json("s", {"t": FOUND, "easy": TaskFailures((), {}, {})}), encoding="utf-8")
    assert read_failures(path) == {"t": FOUND, "easy": TaskFailures((), {}, {})}
    assert json.loads(path.read_text(encoding="utf-8"))["name"] == "s"


def test_a_run_of_before_they_were_recorded_has_none(tmp_path):
    assert read_failures(tmp_path / "no.json") == {}


@pytest.mark.parametrize("text", ['{"tasks": {"t": {}}}', "{", "[]", '{"name": "s"}'])
def test_another_file_is_refused(tmp_path, text):
    (tmp_path / "s_failures.json").write_text(text)
    with pytest.raises(DataError, match="s_failures.json holds no failures of a suite .* Evaluate the run again, or remove the file"):
        read_failures(tmp_path / "s_failures.json")
