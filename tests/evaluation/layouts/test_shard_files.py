"""Which files are one set: by their names alone."""

import pytest

from unite.errors import DataError
from unite.evaluation.layouts.shard_files import whole_set
from unite.evaluation.layouts.source import BenchmarkFiles, MissingTaskError


def found(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    files = BenchmarkFiles("x", folder, "Put it there.")
    return [str(path.relative_to(folder)) for path in whole_set(files, folder.rglob("*.parquet"), "rows")]


@pytest.mark.parametrize(
    "names",
    [
        ["test-00000-of-00002.parquet", "test-00001-of-00002.parquet"],
        ["test-00000-of-00002-0b1c2d3e4f5a6b7c.parquet", "test-00001-of-00002-9999999999999999.parquet"],
        ["pages_1.parquet", "pages_2.parquet"],
        [],
    ],
)
def test_a_whole_set_is_read_in_order(names, tmp_path):
    assert found(tmp_path, *reversed(names)) == names


@pytest.mark.parametrize(
    ("names", "lost"),
    [
        (["test-00000-of-00002.parquet"], "test-00001-of-00002.parquet"),
        (["data/test-00001-of-00003.parquet", "data/test-00002-of-00003.parquet"], "data/test-00000-of-00003.parquet"),
        (["test-00000-of-00002-0b1c2d3e4f5a6b7c.parquet"], "test-00001-of-00002.parquet"),
    ],
)
def test_a_missing_shard_is_named(names, lost, tmp_path):
    with pytest.raises(MissingTaskError, match=f"must be complete, but is 'without {lost}'. Put it there."):
        found(tmp_path, *names)


@pytest.mark.parametrize(
    "names",
    [
        ["test-00000-of-00001.parquet", "test-00000-of-00002.parquet", "test-00001-of-00002.parquet"],
        ["main/test-00000-of-00001.parquet", "other/test-00000-of-00001.parquet"],
        ["test-00000-of-00001.parquet", "test-all.parquet"],
        ["test-00000-of-00001-0b1c2d3e4f5a6b7c.parquet", "test-00000-of-00001-9999999999999999.parquet"],
    ],
)
def test_rows_of_two_sets_are_not_counted_twice(names, tmp_path):
    with pytest.raises(
        DataError, match="the files of rows of task x must be one set of shards, but is .*Leave those of one download alone"
    ):
        found(tmp_path, *names)
