"""Searches as a user starts them, with jobs that only pretend to run."""

import json

import pytest

from unite.sweeps.pruning import PRUNED

SPACE = ["mixture=tt_ti", "evaluate=true", "suite=emoji", "hydra.sweeper.search.simplex=[mixture.shares]"]
LR = "optimizer.lr=tag(log,interval(1e-4,1e-2))"


def t2i(command):
    """The score of a job: the share of one source."""
    (share,) = (part.partition("=")[2] for part in command if part.startswith("mixture.shares.t2i="))
    return float(share)


def record_of(tmp_path):
    (file,) = tmp_path.glob("*/sweep_*/search.json")
    return json.loads(file.read_text()), file.parent


def test_a_search_over_shares_and_numbers_finds_better_ones(sweep, tmp_path):
    sweep.score = t2i
    status, said = sweep(*SPACE, LR, "hydra.sweeper.search.num_trials=12", "sweep.num_parallel=3")
    found, folder = record_of(tmp_path)
    assert status == 0 and "12 of 12 jobs finished" in said and "What the score depends on" in said
    assert found["matters"][0]["option"].startswith("mixture.shares.")
    assert f"The best of 12 trials is {found['best']['folder']}, score {found['best']['score']:.4f}" in said
    record = json.loads((folder / "sweep.json").read_text())
    assert [job["folder"] for job in record["jobs"]] == [f"trial-{number:03d}" for number in range(12)]
    shares = record["jobs"][3]["differing"]
    assert sum(float(share) for name, share in shares.items() if name.startswith("mixture.shares.")) == pytest.approx(1, abs=0.01)
    assert all(1e-4 <= float(job["differing"]["optimizer.lr"]) <= 1e-2 for job in record["jobs"])


def test_a_search_goes_on_and_what_failed_is_not_repeated(sweep, tmp_path):
    sweep.score = t2i
    status, said = sweep(*SPACE, "hydra.sweeper.search.num_trials=3", failing=["trial-001"])
    assert status == 1 and "2 of 3 jobs finished" in said and "failed: SIGKILL, as when memory runs out" in said
    before, _ = record_of(tmp_path)
    status, said = sweep(*SPACE, "hydra.sweeper.search.num_trials=5", "resume=true")
    found, _ = record_of(tmp_path)
    assert status == 1 and len(sweep.commands) == 2 and found["trials"][:3] == before["trials"]  # status: one stays failed
    assert [trial["state"] for trial in found["trials"]] == ["complete", "fail", "complete", "complete", "complete"]
    _, said = sweep(*SPACE, "hydra.sweeper.search.num_trials=5", "objective.temperature=0.2", "resume=true")
    assert "the config of the resumed sweep" in said and "objective.temperature was" in said
    _, said = sweep(*SPACE, LR, "hydra.sweeper.search.num_trials=6", "resume=true")
    assert "varies must be what it was begun with, but is" in said and "optimizer.lr was None and is {'low': 0.0001" in said


def test_a_pruned_trial_is_one_that_ended(sweep, tmp_path):
    def prune(command):
        (folder,) = (part.partition("=")[2].strip("'") for part in command if part.startswith("run_folder="))
        assert any(part.startswith("sweep.trial=") for part in command)
        (tmp_path / folder / PRUNED).write_text('{"step": 20, "score": 0.1}')
        return 0.5

    sweep.score = prune
    validation = ["validation=held_out", "hydra.sweeper.search.prune=true"]
    status, _ = sweep(*SPACE, *validation, "hydra.sweeper.search.num_trials=1")
    found, _ = record_of(tmp_path)
    assert status == 0 and found["trials"][0]["state"] == "pruned" and found["trials"][0]["why"] == "pruned at step 20"


TRIALS = "hydra.sweeper.search.num_trials=2"
WRONG = [
    ([TRIALS], "what a search varies must be at least one option, but is 'nothing'. Give values by commas or interval(0.01,0.1)"),
    ([TRIALS, "seed=0,1"], "what a search varies must be options, but is 'seed, which is none'. To know the spread over seeds"),
    ([*SPACE, TRIALS, "evaluate=false"], "evaluate must be true in a search, which goes by the score, but is False"),
    (
        [*SPACE, TRIALS, "hydra.sweeper.search.prune=true"],
        "prune must be false where nothing is validated, but is True. Choose",
    ),
    ([TRIALS, "hydra.sweeper.search.simplex=[mixture.shars]"], "key mixture.shars must be a mapping of two shares at least"),
    ([*SPACE, TRIALS, "mixture=tt,ti"], "must be apart from what else is varied, but is 'with mixture'"),
    ([*SPACE, TRIALS, "mixture.shares.t2i=1,2"], "must be apart from what else is varied, but is 'with mixture.shares.t2i'"),
    ([*SPACE, "hydra.sweeper.search.num_trials=-1"], "hydra.sweeper.search.num_trials must be at least 0, but is -1"),
    (["mixture=tt,tx", TRIALS], "1 of the 2 jobs cannot run, so none was started. mixture=tx: mixture must be one of"),
    ([*SPACE, "data.batch_size=interval(8,16)", TRIALS], "1 of the 3 jobs cannot run, so none was started. data.batch_size=10.6667"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_a_wrong_search_is_refused_before_the_first_trial(sweep, tmp_path, arguments, message):
    status, said = sweep(*arguments)
    assert status == 1 and message in said and not sweep.commands
    assert not list(tmp_path.rglob("study.log"))
