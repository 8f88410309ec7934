"""A search as optuna keeps it in the sweep's folder: its trials are asked for, told how they ended, and weighed against each other.

`study.log` is optuna's journal, which a killed search goes on from; `search.json` is what pages show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unite.comparison.searches import SEARCH
from unite.errors import ConfigError, must_be
from unite.files import write_json
from unite.sweeps.space import Space

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial, Trial

_JOURNAL = "study.log"
_NAME = "search"
_WHY = "why"
#: Fewer finished trials tell nothing of what matters.
_LEAST_TRIALS = 10


@dataclass(frozen=True)
class SearchTrial:
    """A trial: its number, the options that it varies, and the folder of its job."""

    number: int
    overrides: dict[str, str]

    @property
    def folder(self) -> str:
        """The name of its run folder in the sweep's."""
        return f"trial-{self.number:03d}"


def import_optuna() -> None:
    """Imports optuna, quietly.

    Raises:
        ConfigError: if it is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise ConfigError("hydra.sweeper.search needs optuna, which is not installed: pip install 'unite[optuna]'.") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def storage_of(folder: Path) -> BaseStorage:
    """Opens the journal in a sweep's folder; processes may share it."""
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    return JournalStorage(JournalFileBackend(str(folder / _JOURNAL)))


def trial_of(storage: BaseStorage, number: int) -> Trial:
    """Returns a trial of the search, for the job that it is."""
    import optuna

    study = optuna.load_study(study_name=_NAME, storage=storage, pruner=optuna.pruners.MedianPruner())
    return optuna.Trial(study, study.get_trials(deepcopy=False)[number]._trial_id)


class Search:
    """The trials of a search.

    Args:
        folder: the sweep's.
        space: what is varied.
        seed: of optuna's draws. Trial n is drawn by a generator of its own, so that a search that is gone on with draws what an
            undisturbed one would.

    Raises:
        ConfigError: if the search in the folder was begun with another space.
    """

    def __init__(self, folder: Path, space: Space, seed: int) -> None:
        import optuna

        self.folder, self.space, self.seed = folder, space, seed
        folder.mkdir(parents=True, exist_ok=True)
        self._study = optuna.create_study(storage=storage_of(folder), study_name=_NAME, direction="maximize", load_if_exists=True)
        begun = self._study.user_attrs.get("space")
        if begun is None:
            self._study.set_user_attr("space", space.told())
        elif begun != space.told():
            changed = sorted(key for key in {*begun, *space.told()} if begun.get(key) != space.told().get(key))
            told = "; ".join(f"{key} was {begun.get(key)} and is {space.told().get(key)}" for key in changed)
            hint = "Go on with it, or begin another search without resume=true."
            raise ConfigError(must_be(f"what the resumed search {folder} varies", "what it was begun with", told, hint))

    def trials(self) -> list[SearchTrial]:
        """Returns all trials so far."""
        return [self._trial(trial) for trial in self._study.trials]

    def running(self) -> list[SearchTrial]:
        """Returns those that are not at their end, if a killed search left such."""
        return [self._trial(trial) for trial in self._study.trials if trial.state.name in ("RUNNING", "WAITING")]

    def ask(self) -> SearchTrial:
        """Draws another trial, by what is known of those before (tree-structured Parzen estimators; Bergstra et al., 2011)."""
        import optuna

        number = len(self._study.trials)
        self._study.sampler = optuna.samplers.TPESampler(seed=self.seed * 1_000_003 + number)
        asked = self._study.ask(self.space.distributions())
        return SearchTrial(asked.number, self.space.overrides(asked.params))

    def tell(self, trial: SearchTrial, score: float) -> None:
        """Records the score of a finished trial."""
        self._study.tell(trial.number, score)

    def tell_failed(self, trial: SearchTrial, why: str) -> None:
        """Records that a trial failed; it is not repeated."""
        self._end(trial, "FAIL", why)

    def tell_pruned(self, trial: SearchTrial, step: int) -> None:
        """Records that a trial was ended early at a step; its worth is then that of its last validation."""
        self._end(trial, "PRUNED", f"pruned at step {step}")

    def failed(self) -> dict[str, str]:
        """Returns the folder of each failed trial -> why it failed."""
        return {self._trial(trial).folder: self._why(trial.number) for trial in self._study.trials if trial.state.name == "FAIL"}

    def write(self) -> dict[str, Any]:
        """Writes `search.json` and returns what is in it: the trials, the best of them, and what mattered."""
        trials: list[dict[str, Any]] = [
            {
                "folder": self._trial(trial).folder,
                "state": trial.state.name.lower(),
                "score": trial.value,
                "why": self._why(trial.number),
                "options": self._trial(trial).overrides,
            }
            for trial in self._study.trials
        ]
        done = [trial for trial in trials if trial["state"] == "complete"]
        best = max(done, key=lambda trial: float(trial["score"]), default=None)
        found = {"trials": trials, "best": best, "matters": self._matters(done)}
        write_json(self.folder / SEARCH, found)
        return found

    def _matters(self, done: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Returns of each option how much of the score it explains, the most important first; nothing for too few trials.

        Importance is that of functional ANOVA over a random forest (Hutter et al., 2014; optuna's), over the shares themselves and not the
        numbers that they are drawn by; beside it stands Spearman's rank correlation with the score, for numbers.
        """
        names = [*self.space.options, *(f"{key}.{name}" for key, names in self.space.simplexes.items() for name in names)]
        scores = [trial["score"] for trial in done]
        if len(done) < _LEAST_TRIALS or len(set(scores)) == 1 or len(names) < 2:
            return []
        import optuna
        from optuna.distributions import FloatDistribution
        from scipy.stats import spearmanr  # type: ignore[import-untyped]

        seen = {name: self.space.options[name].distribution() if name in self.space.options else FloatDistribution(0, 1) for name in names}
        rows = [{name: _plain(trial["options"][name], seen[name]) for name in names} for trial in done]
        shadow = optuna.create_study(direction="maximize")
        for row, score in zip(rows, scores, strict=True):
            shadow.add_trial(optuna.trial.create_trial(params=row, distributions=seen, value=score))
        importance = optuna.importance.get_param_importances(shadow, evaluator=optuna.importance.FanovaImportanceEvaluator(seed=0))
        found = []
        for name, value in importance.items():
            values = [row[name] for row in rows]
            is_ordered = not isinstance(values[0], str) and len(set(values)) > 1
            rises = round(float(spearmanr(values, scores).statistic), 4) if is_ordered else None
            found.append({"option": name, "importance": round(value, 4), "rises": rises})
        return found

    def _trial(self, trial: FrozenTrial) -> SearchTrial:
        return SearchTrial(trial.number, self.space.overrides(trial.params))

    def _end(self, trial: SearchTrial, state: str, why: str) -> None:
        from optuna.trial import TrialState

        self._study.set_user_attr(_WHY, {**self._study.user_attrs.get(_WHY, {}), str(trial.number): why})
        self._study.tell(trial.number, state=TrialState[state])

    def _why(self, number: int) -> str:
        return str(self._study.user_attrs.get(_WHY, {}).get(str(number), ""))


def _plain(written: str, seen: BaseDistribution) -> str | float:
    """Returns a value as optuna has it, of one that an override has."""
    from optuna.distributions import CategoricalDistribution, IntDistribution

    if isinstance(seen, CategoricalDistribution):
        return written
    return int(written) if isinstance(seen, IntDistribution) else float(written)
