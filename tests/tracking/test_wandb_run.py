"""The W&B run of a folder, against a server that keeps what it is sent; `wandb_push.py` and `wandb_evaluation.py` by way of it."""

import pytest
import wandb

from tests.comparison.dashboard.material import BATCH, SPEED, row, write_job, write_log
from unite.comparison.evaluated_runs import read_run
from unite.errors import TrackingError
from unite.evaluation.results import SuiteResult
from unite.tracking.recorded import read_log_of
from unite.tracking.wandb_evaluation import confusion_matrix, matrix_picture, pairs_matrix
from unite.tracking.wandb_push import PushedRun, push_run
from unite.tracking.wandb_run import RunSteps, run_id, run_rows

LENGTHS = {"alignment": 100, "adaptation": 100}


def pushed(folder, group="sweep"):
    run = read_run(folder, with_failures=False)
    return PushedRun(folder, folder, folder.name, group, run.config, run.choices)


def test_a_run_keeps_its_id(tmp_path):
    (tmp_path / "wandb" / "offline-run-20261128_203237-3ou4ivnb").mkdir(parents=True)
    assert run_id(tmp_path) == "3ou4ivnb"
    assert run_id(tmp_path / "other") == run_id(tmp_path / "other") != run_id(tmp_path / "third")


def test_steps_go_on_over_the_stages(tmp_path):
    folder = write_job(tmp_path / "job", 0.5)
    rows = list(run_rows(read_log_of(folder, read_run(folder).config), RunSteps(LENGTHS, BATCH)))
    assert [each.step for each in rows] == list(range(10, 210, 10))
    assert rows[-1].values["progress/samples"] == 200 * BATCH
    assert rows[-1].values["progress/hours"] == pytest.approx(200 * BATCH / SPEED / 3600)


def test_a_resumed_run_is_as_far_as_one_that_never_broke_off(tmp_path):
    folder = write_job(tmp_path / "job", 0.5)
    logged = read_log_of(folder, read_run(folder).config)
    whole = {each.step: each.values for each in run_rows(logged, RunSteps(LENGTHS, BATCH))}
    resumed = RunSteps(LENGTHS, BATCH, logged)
    resumed.begin("adaptation")
    for step in (40, 50):
        found = resumed.row(step, {key: value for key, value in row(step).items() if "/" in key})
        assert found.step == 100 + step
        for name in ("progress/samples", "progress/tokens", "progress/hours"):
            assert found.values[name] == pytest.approx(whole[100 + step][name])


def test_a_run_is_pushed_and_only_what_is_new_again(tmp_path, wandb_server):
    folder = write_job(tmp_path / "job", 0.5)
    log = folder / "log" / "metrics.csv"
    every = log.read_text()
    log.write_text("".join(line for line in every.splitlines(keepends=True)[:13]))  # the alignment and two rows
    address, sent = push_run(pushed(folder), "unite", None)
    assert sent == 12
    assert address.endswith(f"/lab/unite/runs/{run_id(folder)}")
    # It broke off after 40, was resumed from 20, and is pushed again.
    write_log(folder, [row(step) for step in range(30, 50, 10)])
    write_log(folder, [row(step) for step in range(30, 110, 10)], "log_2")
    log.write_text(every)
    _, sent = push_run(pushed(folder), "unite", None)
    assert sent == 8
    (run,) = wandb_server.runs.values()
    assert [line["_step"] for line in run["lines"]] == list(range(10, 210, 10))  # no gap, no double
    assert run["lines"][-1]["train/loss"] == 2.0
    assert run["group"] == "sweep"
    assert run["config"]["share"]["value"] == {"t2i": 0.5, "t2v": 0.5}
    assert run["config"]["option"]["value"]["objective"] == "mamcl"
    assert "mixture" not in run["config"]["adaptation"]["value"]
    assert (
        run["summary"]["emoji/t2i/recall@1"] == SuiteResult.from_json((folder / "emoji.json").read_text()).tasks["t2i"].metrics["recall@1"]
    )
    assert run["summary"]["train/loss"] == {"min": 2.0}
    assert run["summary"]["emoji/examples"]["nrows"] == 1
    assert run["summary"]["emoji/pairs_picture"]["format"] == "png"
    assert any(name.startswith("media/table/emoji/examples") for name in wandb_server.files)


def test_without_a_server_it_is_told(tmp_path, wandb_server, monkeypatch):
    monkeypatch.setattr("wandb.init", lambda **settings: (_ for _ in ()).throw(wandb.errors.CommError("no route")))
    with pytest.raises(
        TrackingError, match=r"could not be pushed to W&B \(no route\)\. Log in with `wandb login`; the folder stays as it is"
    ):
        push_run(pushed(write_job(tmp_path / "job", 0.5)), "unite", None)


def test_matrices_are_means_over_the_tasks_of_a_pair(tmp_path):
    result = SuiteResult.from_json((write_job(tmp_path / "job", 0.5) / "emoji.json").read_text())
    pairs = pairs_matrix(result)
    assert pairs["image"]["text"] == result.tasks["i2t"].metrics["recall@1"]
    assert list(pairs) == ["text", "image", "text+image"]
    metrics = {
        "emoji/diagnostics/hits@10/t2i/image": 0.75,
        "emoji/diagnostics/hits@10/t2i/text": 0.25,
        "other/diagnostics/hits@10/t2i/text": 1.0,
    }
    assert confusion_matrix(result, metrics) == {"T → I": {"image": 0.75, "text": 0.25}}
    assert matrix_picture(pairs, "a title").width > 200
