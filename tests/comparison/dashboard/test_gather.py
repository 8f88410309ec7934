"""What a dashboard is made of: also `shown_runs.py`."""

import json

import pytest

from tests.comparison.dashboard.material import write_job, write_sweep
from unite.comparison.dashboard.gather import Gathering
from unite.errors import DataError


def gathered(*folders):
    return Gathering(list(map(str, folders))).read()


def test_a_run_is_told_by_its_options_and_what_the_command_changed_in_them(tmp_path):
    folder = write_job(tmp_path / "job", 0.25)
    said = [
        "+experiment=x",
        "mixture=share_0.25",
        "objective=mamcl",
        "objective.hardness=5",
        "mixture.shares.t2i=0.25",
        "mixture.run_length=4",
    ]
    (folder / "overrides.json").write_text(json.dumps(said))
    (run,) = gathered(folder).runs
    assert run.objective == "mamcl, hardness=5"
    assert run.mixture == "share_0.25, run_length=4"  # shares have axes of their own
    assert run.shares == {"t2i": 0.25, "t2v": 0.75}
    assert run.scores == {"emoji": run.run.suites["emoji"].score.value}
    assert [stage.name for stage in run.stages] == ["alignment", "adaptation"]


def test_a_sweep_has_its_name_and_one_run_needs_no_other(tmp_path):
    sweep = write_sweep(tmp_path / "sweep_1", shares=(0.2,))
    assert {run.sweep for run in gathered(sweep).runs} == {"sweep_1"}
    assert gathered(sweep).notes == []
    alone = gathered(sweep / "0_mamcl_0.2")
    assert alone.title == "sweep_1: 1 run"


def test_unfinished_runs_and_other_suites_are_noted(tmp_path):
    write_job(tmp_path / "a" / "0", 0.2)
    write_job(tmp_path / "a" / "1", 0.2, name="other", failures=False)
    write_job(tmp_path / "a" / "2", 0.2, finished=False)
    write_job(tmp_path / "a" / "3", 0.2, finished=False)
    (tmp_path / "a" / "3" / "finished").touch()
    assert gathered(tmp_path / "a").notes == [
        "Not finished, so without scores yet: 2.",
        "Not evaluated: 3.",
        "The runs measure different suites, and scores of different suites do not compare: emoji by 0; other by 1.",
    ]


def test_a_broken_run_is_left_out_and_none_at_all_is_an_error(tmp_path):
    write_job(tmp_path / "a" / "0", 0.2)
    broken = write_job(tmp_path / "a" / "1", 0.2)
    (broken / "metrics.json").write_text("{")
    found = gathered(tmp_path / "a")
    assert [run.name for run in found.runs] == ["0"]
    assert found.notes[0].startswith(f"1 is left out: {broken / 'metrics.json'} cannot be read")
    with pytest.raises(DataError, match="none of the runs can be read:\n  1 is left out"):
        gathered(broken)


def test_only_what_changed_is_read_again(tmp_path):
    sweep = write_sweep(tmp_path / "s", shares=(0.2,))
    gathering = Gathering([str(sweep)])
    first = gathering.read()
    same = gathering.read()
    assert same.signature == first.signature
    assert all(one is other for one, other in zip(first.runs, same.runs, strict=True))
    log = sweep / "0_mamcl_0.2" / "log" / "metrics.csv"
    log.write_text(log.read_text() + log.read_text().splitlines()[-1].replace("100,", "110,", 1) + "\n")
    write_job(sweep / "2_new", 0.9, finished=False)
    changed = gathering.read()
    assert changed.signature != first.signature
    assert [run.name for run in changed.runs] == ["0_mamcl_0.2", "1_infonce_0.2", "2_new"]
    assert changed.runs[1] is first.runs[1]
    assert list(changed.runs[0].stages[1].rows)[-1] == 110
