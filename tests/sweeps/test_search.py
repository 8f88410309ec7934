import json
import sys

import optuna
import pytest

from unite.errors import ConfigError
from unite.sweeps.search import Search, import_optuna, storage_of, trial_of
from unite.sweeps.space import Choice, Interval, Space

SPACE = Space({"objective": Choice(("infonce", "mamcl")), "lr": Interval(0.0, 1.0)}, {"mixture.shares": ["t2i", "t2v"]})


def score(trial):
    """The share alone decides, and all but lr does not matter."""
    return float(trial.overrides["mixture.shares.t2i"])


def search_to(folder, num_trials, seed=0):
    """Goes on with the search in a folder, opened anew for every trial as by a process that was killed."""
    while True:
        search = Search(folder, SPACE, seed)
        for trial in search.running():
            search.tell(trial, score(trial))
        if len(search.trials()) == num_trials:
            return search
        search.ask()  # and killed before it was told


def test_a_search_that_is_killed_after_every_trial_draws_what_an_undisturbed_one_draws(tmp_path):
    search = Search(tmp_path / "whole", SPACE, 0)
    for _ in range(14):
        trial = search.ask()
        search.tell(trial, score(trial))
    assert search_to(tmp_path / "killed", 14).trials() == search.trials()
    assert search_to(tmp_path / "other", 3, seed=1).trials() != search.trials()[:3]


def test_what_decides_the_score_is_the_most_important_and_the_best_is_found(tmp_path):
    found = search_to(tmp_path, 40).write()
    assert json.loads((tmp_path / "search.json").read_text()) == found
    first = found["matters"][0]
    assert first["option"].startswith("mixture.shares.") and abs(first["rises"]) > 0.99  # of two shares each tells the other
    matters = {entry["option"]: entry for entry in found["matters"]}
    assert matters["mixture.shares.t2i"]["rises"] > 0.99 and matters["mixture.shares.t2v"]["rises"] < -0.99
    assert matters["objective"]["rises"] is None and matters["objective"]["importance"] < 0.1
    assert found["best"]["score"] == max(trial["score"] for trial in found["trials"]) > 0.9


def test_failed_and_pruned_trials_are_recorded_and_not_asked_for_again(tmp_path):
    search = Search(tmp_path, SPACE, 0)
    failed, pruned, good = search.ask(), search.ask(), search.ask()
    trial_of(storage_of(tmp_path), pruned.number).report(0.25, 10)
    search.tell_failed(failed, "SIGKILL, as when memory runs out")
    search.tell_pruned(pruned, 10)
    search.tell(good, 0.5)
    again = Search(tmp_path, SPACE, 0)
    assert again.running() == [] and again.failed() == {"trial-000": "SIGKILL, as when memory runs out"}
    states = [(trial["state"], trial["score"], trial["why"]) for trial in again.write()["trials"]]
    assert states == [("fail", None, "SIGKILL, as when memory runs out"), ("pruned", 0.25, "pruned at step 10"), ("complete", 0.5, "")]
    assert again.write()["best"]["folder"] == "trial-002" and again.write()["matters"] == []  # of one trial


def test_a_search_with_another_space_is_refused_with_the_difference(tmp_path):
    Search(tmp_path, SPACE, 0)
    other = Space({**SPACE.options, "lr": Interval(0.0, 2.0)}, SPACE.simplexes)
    message = r"what the resumed search .* varies must be what it was begun with, but is .lr was .*1.0.* and is .*2.0.*another search"
    with pytest.raises(ConfigError, match=message):
        Search(tmp_path, other, 0)


def test_a_missing_optuna_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ConfigError, match=r"needs optuna, which is not installed: pip install 'unite\[optuna\]'"):
        import_optuna()


def test_the_study_is_one_that_optuna_reads(tmp_path):
    search_to(tmp_path, 2)
    study = optuna.load_study(study_name="search", storage=storage_of(tmp_path))
    assert len(study.trials) == 2 and study.direction.name == "MAXIMIZE"
