import json

from unite.sweeps.pruning import PRUNED, Pruner
from unite.sweeps.search import Search
from unite.sweeps.space import Interval, Space


def test_a_trial_below_the_median_of_five_others_is_ended(tmp_path):
    search = Search(tmp_path, Space({"lr": Interval(0.0, 1.0)}, {}), 0)
    for number in range(5):
        trial = search.ask()
        pruner = Pruner(tmp_path, trial.number, tmp_path / trial.folder)
        assert not pruner.should_end(10, number / 10)  # scores 0, 0.1, ... 0.4: their median is 0.2
        search.tell(trial, number / 10)
    for score, ends in ((0.25, False), (0.15, True)):
        trial = search.ask()
        pruner = Pruner(tmp_path, trial.number, tmp_path / trial.folder)
        assert not pruner.was_pruned()
        assert pruner.should_end(10, score) == pruner.was_pruned() == ends
    assert json.loads((tmp_path / trial.folder / PRUNED).read_text()) == {"step": 10, "score": 0.15}
