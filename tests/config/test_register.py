import pytest

from tests.composed import composed


def test_a_runs_root_that_is_a_file_ends_with_its_message(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit, match="runs_root must be a folder that can be written, but is .*file"):
        _ = composed("train", f"runs_root={tmp_path}/file").run_folder
