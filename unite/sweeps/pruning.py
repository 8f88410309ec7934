"""A trial of a search that ends early where others were better by then: judged in the job, by what the search's journal knows."""

from __future__ import annotations

import logging
from pathlib import Path

from unite.files import write_json
from unite.sweeps.search import import_optuna, storage_of, trial_of

log = logging.getLogger(__name__)

#: In the folder of a run that was ended early, with the step.
PRUNED = "pruned.json"


class Pruner:
    """Tells the search of a trial's validations, and whether it shall end: its best is below the median of others at that step.

    The first five trials run to their end (optuna's MedianPruner).

    Args:
        sweep: the search's folder.
        number: of the trial.
        folder: of its run.
    """

    def __init__(self, sweep: Path, number: int, folder: Path) -> None:
        self.sweep, self.number, self.folder = sweep, number, folder

    def was_pruned(self) -> bool:
        """Returns whether the run was told to end before it was broken off."""
        return (self.folder / PRUNED).is_file()

    def should_end(self, step: int, score: float) -> bool:
        """Records the score of a validation; returns whether the trial is to end."""
        import_optuna()
        trial = trial_of(storage_of(self.sweep), self.number)
        trial.report(score, step)
        if not trial.should_prune():
            return False
        log.info(
            "step %d: validation score %.3f is below the median of other trials, training ends (hydra.sweeper.search.prune)", step, score
        )
        write_json(self.folder / PRUNED, {"step": step, "score": score})
        return True
