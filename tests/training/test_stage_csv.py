"""The metrics file of a run that breaks off and goes on is the one of a run that does not."""

import csv

import pytest

from unite.training.loggers import begin_stage
from unite.training.stage_csv import csv_logger


def logged(folder, rows, evaluation=None):
    """Logs (stage, step) rows as one process of a run does."""
    logger = csv_logger(folder)
    for stage, step in rows:
        begin_stage([logger], stage)
        logger.log_metrics({"train/loss": step / 10}, step=step)
        if step % 20 == 0:
            logger.log_metrics({"validation/score": 0.5}, step=step)
    if evaluation is not None:
        logger.log_metrics({"score": evaluation})
        logger.finalize("success")


def of(stage, *steps):
    return [(stage, step) for step in steps]


def rows_in(folder, name="log"):
    with (folder / name / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


FIRST, SECOND = of("alignment", 10, 20), of("adaptation", 10, 20, 30, 40)


@pytest.mark.parametrize(
    "parts",
    [
        [FIRST + SECOND[:3], SECOND[2:]],  # what came after the checkpoint at 20 is trained again
        [FIRST + SECOND[:2], SECOND[2:]],  # nothing is
        [FIRST[:1], [], FIRST[:1], FIRST[1:] + SECOND],  # killed before the first row, and after it
        [FIRST + SECOND[:3], FIRST[1:] + SECOND],  # back to the stage before
        [FIRST, SECOND],
    ],
)
def test_a_resumed_run_has_one_file_without_gap_or_double_step(tmp_path, parts):
    logged(tmp_path / "whole", FIRST + SECOND, evaluation=0.9)
    for number, part in enumerate(parts, start=1):
        logged(tmp_path / "parts", part, evaluation=0.9 if number == len(parts) else None)
    assert rows_in(tmp_path / "parts") == rows_in(tmp_path / "whole")
    assert [path.name for path in (tmp_path / "parts" / "log").glob("*.csv")] == ["metrics.csv"]


def test_the_file_stays_as_it_is_until_the_first_row(tmp_path):
    logged(tmp_path, FIRST + SECOND)
    file = tmp_path / "log" / "metrics.csv"
    file.write_text(file.read_text() + "adaptation,50")  # half a line
    before = file.read_text()
    logger = csv_logger(tmp_path)
    begin_stage([logger], "adaptation")
    assert logger.experiment.metrics_keys and file.read_text() == before
    logger.log_metrics({"train/loss": 5.0, "a/new/column": 1.0}, step=50)
    rows = rows_in(tmp_path)
    assert [row["step"] for row in rows if row["train/loss"]] == ["10", "20", "10", "20", "30", "40", "50"]
    assert rows[-1]["a/new/column"] == "1.0"


def test_a_log_of_before_rows_named_their_stage_is_left_alone(tmp_path):
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "metrics.csv").write_text("step,train/loss\n10,1.0\n")
    logged(tmp_path, SECOND)
    assert len(rows_in(tmp_path)) == 1 and rows_in(tmp_path, "log_2")[0]["step"] == "10"
