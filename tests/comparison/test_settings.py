import pytest

from tests.comparison.material import make_config, make_suite
from unite.comparison.evaluated_runs import group_runs, load_runs
from unite.comparison.settings import differing_settings, grouped


@pytest.fixture
def differing(write_run):
    def found(*changes):
        folders = [write_run(f"run{at}", make_suite(), config=make_config(0, **change)) for at, change in enumerate(changes)]
        return differing_settings(group_runs(load_runs([str(folder) for folder in folders]))[0])

    return found


def stage(**own):
    """A run whose stage takes from the options of the same names, as a resolved config has them."""
    return {**own, "adaptation": {"name": "adaptation", **own}}


def test_what_a_stage_only_repeats_is_said_once(differing):
    plain, weighted = ({"objective": {"temperature": value}, "optimizer": {"lr": 1.0}} for value in (0.05, 0.1))
    assert differing(stage(**plain), stage(**weighted)) == {"objective.temperature": ["0.05", "0.1"]}


def test_a_stage_of_another_value_is_said_too(differing):
    first, second = ({"optimizer": {"lr": lr}, "adaptation": {"optimizer": {"lr": own}}} for lr, own in ((1, 1), (2, 5)))
    assert differing(first, second) == {"adaptation.optimizer.lr": ["1", "5"], "optimizer.lr": ["1", "2"]}


def test_the_length_of_a_stage_is_the_trainers(differing):
    found = differing(*({"trainer": {"max_steps": num}, "adaptation": {"max_steps": num}} for num in (10, 20)))
    assert found == {"trainer.max_steps": ["10", "20"]}


def test_a_part_that_one_recipe_lacks_is_one_setting(differing):
    source = {"_target_": "x.Source", "name": "clips", "query": "text", "world": {"seed": 0}}
    found = differing({"mixture": {"sources": {"a": {"name": "a"}}}}, {"mixture": {"sources": {"a": {"name": "a"}, "clips": source}}})
    assert found == {"mixture.sources.clips": ["-", "name: clips, query: text, world.seed: 0"]}


def test_an_empty_part_beside_a_full_one_is_one_setting(differing):
    found = differing({"objective": {"weights": {}}}, {"objective": {"weights": {"image": 1, "text": 2}}})
    assert found == {"objective.weights": ["{}", "image: 1, text: 2"]}


def test_a_world_is_that_of_all_its_sources(differing):
    worlds = ({"world": {"seed": seed}, "mixture": {"sources": {name: {"world": {"seed": seed}} for name in "ab"}}} for seed in (1, 2))
    assert differing(*worlds) == {"world.seed": ["1", "2"]}


def test_long_parts_are_cut(differing):
    ((_, text),) = differing({"data": {"x": 1}}, {"data": {"x": {str(at): "word" for at in range(40)}}}).values()
    assert len(text) == 80 and text.endswith("...")


def test_settings_stand_by_group():
    found = {"objective.a": ["1"], "objective.b": ["2"], "trainer.max_steps": ["3"]}
    assert grouped(found) == {"objective": {"objective.a": ["1"], "objective.b": ["2"]}, "trainer": {"trainer.max_steps": ["3"]}}
