"""The metrics file of a run, `log/metrics.csv`: each row as it comes, with its stage; a resumed run goes on in the same file.

What a run logged after the checkpoint that it goes on from is trained again. So the first row of a resumed run takes the place of the rows
of its step and of later ones, and of later stages. Until then the file stays as it is.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning_fabric.loggers.logger import rank_zero_experiment
from pytorch_lightning.loggers import CSVLogger
from pytorch_lightning.loggers.csv_logs import ExperimentWriter
from torch import Tensor
from typing_extensions import override

from unite.files import whole_file
from unite.tracking.run_log import STAGE, log_folders, read_rows


class StageCSVLogger(CSVLogger):
    """Lightning's, with the stage in each row, and one file however often the run is resumed."""

    stage = ""
    _writer: _Rows | None = None

    @property
    @override
    @rank_zero_experiment
    def experiment(self) -> ExperimentWriter:
        """The writer of the file; made when it is first asked for."""
        if self._writer is None:
            self._writer = self._experiment = _Rows(self.log_dir)  # Lightning saves the latter
        return self._writer

    @override
    def log_metrics(self, metrics: dict[str, Tensor | float], step: int | None = None) -> None:  # type: ignore[override]
        named: dict[str, Any] = {STAGE: self.stage} if self.stage and step is not None else {}
        super().log_metrics({**named, **metrics}, step)


def csv_logger(folder: Path) -> StageCSVLogger:
    """Logs into `<folder>/log/metrics.csv`; where an earlier version logged, into its last part, or another one if that names no stage."""
    parts = log_folders(folder)
    name = parts[-1].name if parts else "log"
    if parts and any(STAGE not in row for row in read_rows(parts[-1] / "metrics.csv")):
        name = f"log_{len(parts) + 1}"
    return StageCSVLogger(folder, name="", version=name, flush_logs_every_n_steps=1)


class _Rows(ExperimentWriter):
    """Lightning's writer, which would empty what is there, and rewrites the file in place when a column is new."""

    def __init__(self, log_dir: str) -> None:
        super().__init__(log_dir)
        file = Path(self.metrics_file_path)
        self._before = read_rows(file) if file.is_file() else []
        if self._before:
            self.metrics_keys = sorted({name for row in self._before for name in row})

    @override
    def save(self) -> None:
        if self.metrics and self._before:
            kept = _not_again(self._before, self.metrics[0])
            self._before = []
            self._write(kept)
        super().save()

    @override
    def _check_log_dir_exists(self) -> None:
        """Nothing is deleted."""

    @override
    def _rewrite_with_new_header(self, fieldnames: list[str]) -> None:
        self._write(read_rows(Path(self.metrics_file_path)))

    def _write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        with whole_file(self.metrics_file_path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=self.metrics_keys)
            writer.writeheader()
            writer.writerows(rows)


def _not_again(rows: Sequence[Mapping[str, Any]], first: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Returns the rows that stay when a run goes on with the row `first`: those of stages before, and of steps before in its own."""
    stage = first.get(STAGE)
    if stage is None:  # the evaluation's, of no step
        return [row for row in rows if row.get(STAGE)]
    stages = list(dict.fromkeys(row.get(STAGE) for row in rows if row.get(STAGE)))
    before = stages[: stages.index(stage)] if stage in stages else stages
    return [row for row in rows if row.get(STAGE) in before or (row.get(STAGE) == stage and int(row["step"]) < int(first["step"]))]
