"""Features on disk: what is put there is found again, by whoever sees the same with the same tower."""

import multiprocessing
import os
import signal
import time

import pytest
import torch

from unite.embedding.cache_parts import PARTS
from unite.embedding.feature_cache import FeatureCache
from unite.errors import DataError

CPU = torch.device("cpu")
LARGE = 1e9


def seen(first, count=3):
    return {(name, 2): torch.full((2, 1, 4), float(name)) for name in range(first, first + count)}


def parts(folder):
    return sorted(folder.rglob(PARTS))


def taken(cache, names):
    return {name: float(one[0, 0, 0]) for name, one in cache.get(names, CPU).items()}


def test_another_process_finds_what_was_put_there_and_another_tower_does_not(tmp_path):
    cache, names = FeatureCache(tmp_path, 1, LARGE), [*seen(0, 6)]
    cache.put(seen(0))
    assert taken(cache, names) == {(0, 2): 0, (1, 2): 1, (2, 2): 2} and not parts(tmp_path)
    cache.flush()
    other = FeatureCache(tmp_path, 1, LARGE)
    assert taken(other, names) == taken(cache, names) == {(0, 2): 0, (1, 2): 1, (2, 2): 2}
    assert taken(FeatureCache(tmp_path, 2, LARGE), names) == {}
    other.put(seen(2) | seen(4, 1))
    other.flush()  # but for what is there
    assert sum(len(FeatureCache(tmp_path, 1, LARGE).get([name], CPU)) for name in names) == 5 and other.num_made == 2


def test_features_of_another_precision_are_others(tmp_path):
    cache = FeatureCache(tmp_path, 1, LARGE)
    cache.put(seen(0))
    with torch.autocast("cpu", torch.bfloat16):
        assert cache.get(seen(0), CPU) == {}
        cache.put({name: one.bfloat16() for name, one in seen(0).items()})
    cache.flush()
    again = FeatureCache(tmp_path, 1, LARGE)
    with torch.autocast("cpu", torch.bfloat16):
        assert {one.dtype for one in again.get(seen(0), CPU).values()} == {torch.bfloat16}
    assert {one.dtype for one in again.get(seen(0), CPU).values()} == {torch.float32}


def test_the_folder_takes_no_more_than_its_bound(tmp_path, caplog):
    FeatureCache(tmp_path, 2, LARGE).flush()
    bound = 20_000
    first, second = FeatureCache(tmp_path, 1, bound), FeatureCache(tmp_path, 1, bound)
    for turn in range(40):  # a medium takes 32 bytes, a part 1 kB at most
        cache = (first, second)[turn % 2]
        cache.put(seen(100 * turn, 50))
        cache.flush()
    size = sum(path.stat().st_size for path in parts(tmp_path))
    assert bound - 5000 < size <= bound
    assert caplog.text.count("feature_cache.max_gb=2e-05 is reached") == 2 and f"other towers there: {2:016x}-1." in caplog.text
    assert len(first) < 2000 and first.num_left_out + second.num_left_out == 2000 - first.num_made - second.num_made
    assert taken(FeatureCache(tmp_path, 1, bound), [(0, 2)]) == {(0, 2): 0}


def test_a_damaged_medium_is_told_and_made_again(tmp_path, caplog):
    cache = FeatureCache(tmp_path, 1, LARGE)
    cache.put(seen(1))
    cache.flush()
    (path,) = parts(tmp_path)
    path.write_bytes(path.read_bytes().replace(torch.full((2, 1, 4), 2.0).numpy().tobytes(), b"\x07" * 32))
    again = FeatureCache(tmp_path, 1, LARGE)
    assert taken(again, seen(1)) == {(1, 2): 1, (3, 2): 3}
    assert f"features in {path} are damaged: they are made again." in caplog.text
    again.put(seen(2, 1))
    again.flush()
    assert taken(again, seen(1)) == {(1, 2): 1, (2, 2): 2, (3, 2): 3}
    assert len(taken(FeatureCache(tmp_path, 1, LARGE), seen(1))) == 3


def test_what_is_not_finite_is_not_kept(tmp_path):
    cache = FeatureCache(tmp_path, 1, LARGE)
    cache.put({(1, 2): torch.full((1, 1, 4), float("nan"))})
    assert cache.get([(1, 2)], CPU) == {}


def test_a_folder_of_something_else_is_refused(tmp_path):
    cache = FeatureCache(tmp_path, 1, LARGE)
    (cache.folder / "cache.json").write_text("{}")
    with pytest.raises(DataError, match=r"the features in .* must be made by .* but is .*Give another feature_cache.folder"):
        FeatureCache(tmp_path, 1, LARGE)


def test_a_folder_that_cannot_be_written_is_told_once_and_training_goes_on(tmp_path, caplog, monkeypatch):
    cache = FeatureCache(tmp_path, 1, LARGE)

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("unite.embedding.feature_cache.write_features", full)
    for first in (0, 3):
        cache.put(seen(first))
        cache.flush()
    assert caplog.text.count("No space left on device") == 1 and "feature_cache.folder=..." in caplog.text


def _write_for_ever(folder, first):
    cache = FeatureCache(folder, 1, 3e6)  # which ends it
    for turn in range(1000):
        cache.put(seen(first + 10 * turn, 10))
        cache.flush()


def test_killed_writers_leave_nothing_that_is_wrong(tmp_path):
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write_for_ever, args=(tmp_path, first)) for first in (0, 100_000)]
    for writer in writers:
        writer.start()
    for _ in range(2000):
        if len(parts(tmp_path)) >= 20:
            break
        time.sleep(0.005)
    for writer in writers:
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
    cache = FeatureCache(tmp_path, 1, LARGE)
    found = taken(cache, [(name, 2) for first in (0, 100_000) for name in range(first, first + 10_000)])
    assert len(found) >= 200 and all(value == name for (name, _), value in found.items())
    cache.put(seen(500_000))
    cache.flush()  # no lock is left
    assert len(taken(FeatureCache(tmp_path, 1, LARGE), seen(500_000))) == 3
