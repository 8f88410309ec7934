"""A resumed run, logged live: what W&B and the folder have of it at the end is what one that never broke off leaves."""

import pytest
import yaml

from tests.comparison.dashboard.material import BATCH, SPEED
from unite.tracking.recorded import read_log_of
from unite.tracking.wandb_run import RunSteps, run_id
from unite.training.loggers import begin_stage, finish_loggers, wandb_logger
from unite.training.stage_csv import csv_logger

CONFIG = {"data": {"batch_size": BATCH}, "alignment": {"max_steps": 20}, "adaptation": {"max_steps": 60}}


def train(folder, stages, finish):
    """Logs rows as training does: in each stage every ten steps from after the first number to the second."""
    lengths = {"alignment": 20, "adaptation": 60}
    steps = RunSteps(lengths, BATCH, read_log_of(folder, CONFIG))
    loggers = [csv_logger(folder), wandb_logger(folder, "online", steps, project="p")]
    for stage, (first, last) in stages.items():
        begin_stage(loggers, stage)
        for step in range(first + 10, last + 1, 10):
            for logger in loggers:
                logger.log_metrics({"train/loss": step / 10, "throughput/samples_per_second": SPEED}, step=step)
                logger.log_metrics({"validation/score": 0.5}, step=step)
    if finish:
        finish_loggers(loggers, {}, folder)
    else:  # killed: W&B's own process sends what it has
        loggers[1].experiment.finish(exit_code=1)


def test_a_resumed_run_is_one_run_without_gap_or_double_step(tmp_path, wandb_server, capfd):
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    train(tmp_path, {"alignment": (0, 20), "adaptation": (0, 40)}, finish=False)
    train(tmp_path, {"adaptation": (20, 60)}, finish=True)
    assert list(wandb_server.runs) == [run_id(tmp_path)]
    lines = wandb_server.runs[run_id(tmp_path)]["lines"]
    assert [line["_step"] for line in lines] == list(range(10, 90, 10))
    assert [line["train/loss"] for line in lines] == [1, 2, 1, 2, 3, 4, 5, 6]
    assert all(line["validation/score"] == 0.5 for line in lines)
    for line in lines:
        assert line["progress/samples"] == line["_step"] * BATCH
        assert line["progress/hours"] == pytest.approx(line["_step"] * BATCH / SPEED / 3600)
    stages = read_log_of(tmp_path, CONFIG)
    assert {stage.name: list(stage.rows) for stage in stages} == {"alignment": [10, 20], "adaptation": list(range(10, 70, 10))}
    assert "WARNING" not in capfd.readouterr().err


def test_offline_it_says_nothing(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("WANDB_MODE", "offline")
    logger = wandb_logger(tmp_path, "offline", RunSteps({}, BATCH), project="p")
    logger.log_metrics({"train/loss": 1.0}, step=10)
    finish_loggers([logger], {}, tmp_path)
    assert capfd.readouterr().err == ""
    (folder,) = (tmp_path / "wandb").glob("offline-run-*")
    assert folder.name.endswith(run_id(tmp_path))
