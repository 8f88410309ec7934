"""The runs of a dashboard, read; and read again where they go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unite.comparison.dashboard.find_runs import find_runs
from unite.comparison.dashboard.shown_runs import ShownRun, notes_on, shown
from unite.comparison.evaluated_runs import read_run
from unite.comparison.wording import count_of
from unite.errors import CheckpointError, DataError
from unite.progress import tracked

#: What changes in a run's folder while the run goes on.
_CHANGING = ("config.yaml", "overrides.json", "metrics.json", "finished", "log*/metrics.csv", "*_failures.json")


@dataclass(frozen=True)
class Gathered:
    """The runs of a dashboard.

    Attributes:
        runs: at least one.
        notes: what may surprise.
        title: of the dashboard.
        signature: another one when anything in a run's folder changed.
    """

    runs: list[ShownRun]
    notes: list[str]
    title: str
    signature: tuple[object, ...]


class Gathering:
    """Reads the runs in folders; a second time only those that changed, and such as are new.

    Args:
        arguments: folders, each as it is or as `name=folder`, see `find_runs`.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self.arguments = list(arguments)
        self._known: dict[Path, tuple[tuple[object, ...], ShownRun]] = {}

    def read(self) -> Gathered:
        """Reads them. A run that cannot be read is left out, which is a note.

        Raises:
            CheckpointError: if there is no run.
            ConfigError: if two runs are given one name.
            DataError: if none can be read.
        """
        found = find_runs(self.arguments)
        signatures = {folder: _signature(folder) for _, folder in found}
        runs, notes = [], []
        for name, folder in tracked(found, "reading the runs", "runs"):
            signature = (name, *signatures[folder])
            try:
                if folder not in self._known or self._known[folder][0] != signature:
                    self._known[folder] = signature, _read(folder, name)
                runs.append(self._known[folder][1])
            except (DataError, CheckpointError) as error:
                notes.append(f"{name} is left out: {error}")
        if not runs:
            raise DataError("none of the runs can be read:\n  " + "\n  ".join(notes))
        sweeps = list(dict.fromkeys(run.sweep for run in runs))
        title = f"{', '.join(sweeps[:3])}{' and more' if len(sweeps) > 3 else ''}: {count_of(len(runs), 'run')}"
        return Gathered(runs, [*notes, *notes_on(runs)], title, tuple(signatures.values()))


def _read(folder: Path, name: str) -> ShownRun:
    run = shown(read_run(folder, name, with_failures=False))
    _ = run.stages  # reads the log
    return run


def _signature(folder: Path) -> tuple[object, ...]:
    files = [path for pattern in _CHANGING for path in sorted(folder.glob(pattern))]
    return tuple((path.name, stat.st_size, stat.st_mtime_ns) for path in files if (stat := path.stat()))
