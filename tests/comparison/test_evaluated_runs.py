import json

import pytest
import yaml
from omegaconf import OmegaConf

from tests.comparison.material import make_config, make_suite, some_failures
from tests.composed import composed
from unite.comparison.evaluated_runs import NOT_COMPARED, flat, group_runs, load_runs
from unite.comparison.settings import differing_settings
from unite.errors import CheckpointError, ConfigError, DataError


def test_what_a_run_was_made_with(write_run):
    provenance = {"git_commit": "0123456789abcdef", "data": {"adaptation": {"ti": "ab"}}}
    folder = write_run("run", make_suite(), config=make_config(3), provenance=provenance, failures={"t2i": some_failures()})
    (folder / "hydra").mkdir()
    choices = "hydra: {runtime: {choices: {experiment: stage2_mamcl, mixture: instruction}}}"
    (folder / "hydra" / "hydra.yaml").write_text(choices)
    (run,) = load_runs([str(folder)])
    facts = run.facts()
    assert facts["experiment"] == "stage2_mamcl"
    assert facts["mixture"] == "instruction"
    assert facts["objective"] == "MAMCL, temperature 0.05"
    assert facts["steps"] == "300 adaptation"
    assert (facts["seed"], facts["code"], facts["starts from"]) == ("3", "0123456789ab", "-")
    assert len(facts["data"]) == 12
    assert run.suites["emoji"] == make_suite()
    assert run.failures["emoji"]["t2i"] == some_failures()


def test_a_run_of_before_failures_were_recorded(write_run):
    suite = make_suite()
    folder = write_run("old", suite)
    old = json.loads(suite.to_json())
    for task in old["tasks"].values():
        del task["data"]
    del old["groups"]
    (folder / "emoji.json").write_text(json.dumps(old))
    (run,) = load_runs([str(folder)])
    assert run.suites["emoji"] == suite
    assert run.failures == {"emoji": {}}


def test_an_evaluation_is_told_by_its_training_run(write_run):
    trained = write_run("trained", config=make_config(7))
    folder = write_run("again", make_suite(), config={"name": "evaluate", "checkpoint": str(trained)})
    unknown = write_run("unknown", make_suite(), config={"name": "evaluate", "checkpoint": "Qwen/Qwen2-VL-2B"})
    first, second = load_runs([str(folder), str(unknown)])
    assert (first.seed, first.facts()["objective"]) == (7, "MAMCL, temperature 0.05")
    assert (second.seed, second.facts()["starts from"]) == (None, "Qwen/Qwen2-VL-2B")


def test_seeds_of_one_recipe_are_one(write_run):
    folders = [write_run(f"run_seed{seed}", make_suite(), config=make_config(seed)) for seed in range(3)]
    other = write_run("other", make_suite(), config=make_config(0, optimizer={"lr": 0.1}))
    recipes, notes = group_runs(load_runs([str(other), *map(str, folders)]))
    assert [(recipe.name, len(recipe.runs)) for recipe in recipes] == [("other", 1), ("run", 3)]
    assert notes == []
    assert differing_settings(recipes) == {"optimizer.lr": ["0.1", "0.001"]}


@pytest.mark.parametrize(
    "option",
    [
        "suite.diagnose",
        "feature_cache.folder",
        "data.num_workers",
        "trainer.log_every_n_steps",
        "trainer.log_sample_keys",
        "trainer.health_every_n_steps",
        "trainer.checkpoint_every_n_minutes",
        "trainer.keep_last",
        "trainer.timeout_minutes",
    ],
)
def test_what_changes_neither_weights_nor_recall_makes_no_other_recipe(write_run, option):
    group, name = option.split(".")
    folders = [write_run(f"run_seed{seed}", make_suite(), config=make_config(seed, **{group: {name: seed}})) for seed in range(2)]
    assert [len(recipe.runs) for recipe in group_runs(load_runs(list(map(str, folders))))[0]] == [2]


def test_what_is_not_compared_are_options_that_there_are():
    settings = dict(flat(OmegaConf.to_container(composed("train", "+experiment=stage2_mamcl"))))
    assert [name for name in NOT_COMPARED if not any(key.startswith(name) for key in settings)] == []


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["objective-mamcl_seed-0", "objective-mamcl_seed-1"], "objective-mamcl"),
        (["seed-0_mixture-tt", "seed-1_mixture-tt"], "mixture-tt"),
        (["qwen2_seed=0", "qwen2_seed=12"], "qwen2"),
        (["run1", "run2"], "run"),
        (["first", "second"], "first, second"),
    ],
)
def test_seeds_are_called_what_their_names_have_in_common(write_run, names, expected):
    folders = [write_run(name, make_suite(), config=make_config(seed)) for seed, name in enumerate(names)]
    assert [recipe.name for recipe in group_runs(load_runs(list(map(str, folders))))[0]] == [expected]


def test_stages_that_start_from_other_seeds_are_one_recipe(write_run):
    starts = [write_run(f"start{seed}", config=make_config(seed)) for seed in range(2)]
    runs = [write_run(f"s{seed}", make_suite(), config=make_config(seed, init_from=str(start))) for seed, start in enumerate(starts)]
    recipes, _ = group_runs(load_runs(list(map(str, runs))))
    assert [recipe.name for recipe in recipes] == ["s"]
    elsewhere = write_run("s2", make_suite(), config=make_config(2, init_from="hub/model"))
    assert len(group_runs(load_runs([*map(str, runs), str(elsewhere)]))[0]) == 2


def test_a_repetition_is_no_other_seed(write_run):
    folders = [write_run(name, make_suite(), config=make_config(0)) for name in ("a", "b")]
    recipes, notes = group_runs(load_runs(list(map(str, folders))))
    assert [recipe.name for recipe in recipes] == ["a", "b"]
    assert notes == ["b and a have one config and one seed (0): they stand apart."]


def test_other_data_is_another_recipe(write_run):
    runs = [write_run(f"d{at}", make_suite(), config=make_config(at), provenance={"data": {"x": at}}) for at in range(2)]
    assert len(group_runs(load_runs(list(map(str, runs))))[0]) == 2


def test_names_on_the_command_line(write_run, tmp_path):
    first, second = write_run("a/run", make_suite()), write_run("b/run", make_suite())
    with pytest.raises(ConfigError, match=r"the names of the runs must be distinct, but is 'run more than once.*Name them.*first="):
        load_runs([str(first), str(second)])
    assert [run.name for run in load_runs([str(first), f"mine={second}"])] == ["run", "mine"]
    odd = write_run("lr=1e-3", make_suite())  # a folder may hold the sign
    assert [run.name for run in load_runs([str(odd), f"x={odd}"])] == ["lr=1e-3", "x"]


def test_folders_that_cannot_be_compared(write_run, tmp_path):
    with pytest.raises(CheckpointError, match=r"nowhere must be a run folder, but is 'no folder'\. Give the folder that unite.train"):
        load_runs([str(tmp_path / "nowhere")])
    with pytest.raises(CheckpointError, match="must be a run folder, but is 'a folder without config.yaml'"):
        load_runs([str(tmp_path)])
    unfinished = write_run("unfinished")
    with pytest.raises(CheckpointError, match=r"unfinished must be evaluated, .* python -m unite.evaluate .checkpoint="):
        load_runs([str(unfinished)])
    broken = write_run("broken", make_suite())
    (broken / "emoji.json").write_text("{}")
    with pytest.raises(DataError, match=r"emoji.json: this is no result of a suite"):
        load_runs([str(broken)])
    (broken / "emoji.json").unlink()
    with pytest.raises(DataError, match=r"emoji.json must be there, as metrics.json names its suite, but is 'missing'"):
        load_runs([str(broken)])
    (broken / "config.yaml").write_text("a: [")
    with pytest.raises(DataError, match="config.yaml cannot be read"):
        load_runs([str(broken)])


def test_a_run_without_an_evaluation_is_left_out_aloud(write_run, tmp_path, caplog):
    whole = write_run("a", make_suite())
    unfinished = write_run("b")
    (run,) = load_runs([str(whole), str(unfinished)])
    assert run.name == "a"
    assert f"left out: run {unfinished} must be evaluated" in caplog.text


def test_a_run_that_was_resumed_with_other_options_is_told_by_those(write_run):
    folder = write_run("one", make_suite())
    changed = yaml.safe_load((folder / "config.yaml").read_text()) | {"init_from": "another"}
    (folder / "config.resumed.yaml").write_text(yaml.safe_dump(changed))
    (run,) = load_runs([str(folder)])
    assert run.facts()["starts from"] == "another"
