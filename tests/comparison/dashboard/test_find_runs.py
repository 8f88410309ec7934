import pytest

from tests.comparison.dashboard.material import write_job, write_sweep
from unite.comparison.dashboard.find_runs import find_runs
from unite.errors import CheckpointError, ConfigError


def names(*arguments):
    return [name for name, _ in find_runs([str(argument) for argument in arguments])]


def test_a_run_a_sweep_and_a_folder_of_sweeps(tmp_path):
    sweep = write_sweep(tmp_path / "runs" / "stage2" / "sweep_1", shares=(0.2,))
    write_job(tmp_path / "runs" / "stage2" / "2026-01-01_10-00-00_abcd", 0.5)
    assert names(sweep / "0_mamcl_0.2") == ["0_mamcl_0.2"]
    assert names(sweep) == ["0_mamcl_0.2", "1_infonce_0.2"]
    every = ["stage2/2026-01-01_10-00-00_abcd", "0_mamcl_0.2", "1_infonce_0.2"]  # a date alone names nothing
    assert names(tmp_path / "runs") == every
    assert names(tmp_path / "runs", sweep) == every  # each once


def test_two_sweeps_with_jobs_of_one_name(tmp_path):
    for sweep in ("a", "b"):
        write_sweep(tmp_path / sweep, shares=(0.2,), objectives=("mamcl",))
    assert names(tmp_path) == ["a/0_mamcl_0.2", "b/0_mamcl_0.2"]


def test_what_is_no_run_is_told(tmp_path):
    with pytest.raises(
        CheckpointError, match=r"gone must be a folder of runs, each with its config\.yaml, but is 'no folder'\. Give run folders"
    ):
        find_runs([str(tmp_path / "gone")])
    with pytest.raises(CheckpointError, match=r"but is 'a folder without any'"):
        find_runs([str(tmp_path)])


def test_names(tmp_path):
    sweep = write_sweep(tmp_path / "a", shares=(0.2, 0.5), objectives=("mamcl",))
    first, second = sorted(path for path in sweep.iterdir() if path.is_dir())
    assert names(f"x={first}", second) == ["x", "1_mamcl_0.5"]
    with pytest.raises(ConfigError, match="must be distinct, but is 'x more than once'"):
        names(f"x={first}", f"x={second}")
    with pytest.raises(ConfigError, match="must be a name for one run, but is 'one for 2 runs'"):
        names(f"x={sweep}")
