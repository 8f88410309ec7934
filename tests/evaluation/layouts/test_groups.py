"""Sources as tasks of any suite, and means over groups of tasks."""

import json
import logging

import pytest

from tests.evaluation.layouts.material import urban1k
from unite.config.schema import SuiteConfig
from unite.errors import ConfigError
from unite.evaluation.layouts.source import MissingTaskError, TaskFolder, TaskSource
from unite.evaluation.layouts.urban1k import Urban1K
from unite.evaluation.results import SuiteResult
from unite.evaluation.suite import Suite
from unite.types import Content


def wrong(make_task, num_wrong):
    """Twelve queries, `num_wrong` of which are told that another candidate is right."""
    return make_task(relevance={f"q{at}": {f"c{(at + 1) % 12 if at < num_wrong else at}": 1} for at in range(12)})


@pytest.fixture
def tasks(make_task):
    exact = [Content(text=f"{at}") for at in range(12)]
    return {
        name: make_task(queries=exact, candidates=exact, relevance=wrong(make_task, count).relevance)
        for name, count in (("a", 0), ("b", 3), ("c", 6))
    }


def test_means_are_over_each_group_and_survive_json(tasks, knowing):
    result = Suite(SuiteConfig(name="s", tasks=tasks, groups={"first": ["a", "b"], "last": ["b", "c"]})).run(knowing)
    metrics = result.metrics()
    assert [metrics[f"s/{name}/recall@1"] for name in "abc"] == [1.0, 0.75, 0.5]
    assert metrics["s/mean/recall@1"] == pytest.approx(0.75)
    assert metrics["s/mean_first/recall@1"] == pytest.approx(0.875)
    assert metrics["s/mean_last/recall@1"] == pytest.approx(0.625)
    again = SuiteResult.from_json(result.to_json())
    assert again == result and again.metrics() == metrics
    old = {name: value for name, value in json.loads(result.to_json()).items() if name != "groups"}
    assert SuiteResult.from_json(json.dumps(old)).group_means() == {}


def test_a_group_that_lacks_a_task_has_no_mean_and_that_is_said(tasks, knowing, caplog):
    with caplog.at_level(logging.WARNING):
        result = Suite(SuiteConfig(name="s", tasks={**tasks, "gone": "no/such"}, groups={"all": ["a", "gone"], "last": ["c"]})).run(knowing)
    assert set(result.group_means()) == {"last"}
    assert "s: these means are left out, since tasks of theirs were not run: all (without gone)\n" in caplog.text


def test_only_the_tasks_and_groups_that_are_asked_for_are_run(tasks, knowing, caplog):
    groups = {"first": ["a", "b"], "last": ["b", "c"]}
    suite = Suite(SuiteConfig(name="s", tasks=tasks, groups=groups, only=["last"], held_in={"a": tasks["a"], "c": tasks["c"]}))
    with caplog.at_level(logging.WARNING):
        result = suite.run(knowing)
    assert list(result.tasks) == list(suite.tasks) == ["b", "c"]
    assert result.missing == {"a": "Left out by suite.only."} and result.score.not_run == ("a",)
    assert set(result.group_means()) == {"last"} and "means are left out" not in caplog.text
    assert list(suite.held_in().tasks) == ["c"]
    assert list(Suite(SuiteConfig(name="s", tasks=tasks, only=["c", "a"])).tasks) == ["a", "c"]


def test_names_of_only_are_checked(tasks):
    with pytest.raises(ConfigError, match="a name in suite.only must be one of a, b, c, first, but is 'd'"):
        SuiteConfig(name="s", tasks=tasks, groups={"first": ["a"]}, only=["a", "d"])
    with pytest.raises(ConfigError, match="suite.only must be at least one of the suite's tasks and groups, or null for all"):
        SuiteConfig(name="s", tasks=tasks, only=[])


def test_names_of_groups_are_checked(tasks):
    with pytest.raises(ConfigError, match="a task of group x of suite s must be one of a, b, c, but is 'd'"):
        Suite(SuiteConfig(name="s", tasks=tasks, groups={"x": ["d"]}))
    with pytest.raises(ConfigError, match="none of them 'mean' or 'mean_...'"):
        Suite(SuiteConfig(name="s", tasks={"mean_x": tasks["a"]}))


def test_a_source_stands_beside_folders_and_tasks_in_memory(tasks, knowing, tmp_path):
    urban1k(tmp_path / "mine")
    layout = Urban1K(folder="mine", direction="image_to_text", candidate_instruction="Find it.")
    assert isinstance(layout, TaskSource) and isinstance(TaskFolder("x"), TaskSource)
    result = Suite(SuiteConfig(name="s", tasks={"urban": layout, "a": tasks["a"], "gone": "no/such"}, data_root=tmp_path)).run(knowing)
    assert list(result.tasks) == ["urban", "a"] and list(result.missing) == ["gone"]
    assert {content.instruction for content in knowing.processor.contents if content.text.startswith("A street")} == {"Find it."}
    with pytest.raises(MissingTaskError, match="must be the folder of task gone, but is 'not there'"):
        Suite(SuiteConfig(name="s", tasks={"gone": "no/such"}, data_root=tmp_path)).load("gone")
