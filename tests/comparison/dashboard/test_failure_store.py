from tests.comparison.dashboard.material import many_runs, write_sweep
from unite.comparison.dashboard.failure_store import FailureStore
from unite.comparison.dashboard.gather import Gathering


def test_contents_that_runs_share_are_kept_once(tmp_path):
    runs = Gathering([str(write_sweep(tmp_path / "s"))]).read().runs
    store = FailureStore().fill(runs)
    assert len(store.contents) == 3  # query, right one, and five hits that look the same
    assert len(store.runs) == 6
    failure = store.runs[0][0]
    assert (failure["task"], failure["rank"], len(failure["hits"])) == ("t2i", 17, 4)
    assert store.contents[failure["asked"]]["text"] == "a <b>cat</b> & a hat"
    assert store.num_left_out == 0


def test_the_worst_of_every_task_come_before_the_second_worst(tmp_path):
    runs = many_runs(tmp_path, 8)
    store = FailureStore(most_bytes=3_000_000).fill(runs)
    assert store.num_left_out > 0
    size = sum(len(data) for content in store.contents.values() for _, data, _ in content["pictures"])
    assert 2_500_000 < size <= 3_000_000
    assert set(store.runs) == set(range(8))
    assert all({failure["task"] for failure in found} == {f"task{at}" for at in range(11)} for found in store.runs.values())


def test_a_broken_file_is_told(tmp_path):
    sweep = write_sweep(tmp_path / "s", shares=(0.2,))
    (sweep / "0_mamcl_0.2" / "emoji_failures.json").write_text("[]")
    store = FailureStore().fill(Gathering([str(sweep)]).read().runs)
    assert list(store.broken) == ["0_mamcl_0.2"]
    assert list(store.runs) == [1]
