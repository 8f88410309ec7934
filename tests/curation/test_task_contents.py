import pytest

from tests.curation.material import collection, row
from tests.curation.steps.material import write_short
from unite.config.schema.media import MediaPolicy
from unite.curation.task_contents import TaskContents, check_tasks, own_number
from unite.errors import ConfigError


def test_queries_right_answers_and_texts_of_tasks(tmp_path):
    contents = TaskContents([write_short(tmp_path / "task")], MediaPolicy())
    assert contents.names == [f"{side} {side[0]}{at} of names" for side in ("query", "candidate") for at in range(3)]
    assert contents.texts == ["red panda", "dog", "cat", "ailurus", "canis", "felis"] and len(contents.signatures) == 6
    assert sorted(contents.pairs.values()) == [f"query q{at} and candidate c{at} of names" for at in range(3)]  # a grade of 0 is no answer
    rows = collection([row("Dog", "CANIS"), row("canis", "dog"), row("dog", "felis")])
    pairs = [tuple(sorted(numbers)) in contents.pairs for numbers in own_number(rows.signatures).tolist()]
    assert pairs == [True, True, False]
    assert [contents.by_text.get(number) for number in rows.signatures.text[0].tolist()] == [1, 4]


def test_folders_without_a_task_are_refused(tmp_path):
    check_tasks("mine", [write_short(tmp_path / "task")])
    with pytest.raises(ConfigError, match="mine.tasks must be at least one task folder, but is 'empty'. Leave the step out"):
        check_tasks("mine", [])
    with pytest.raises(ConfigError, match="mine.tasks must be folders with a task.json, but is 'nowhere'. Build or copy the task first."):
        check_tasks("mine", ["nowhere"])
