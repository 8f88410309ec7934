import json
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from unite import files
from unite.errors import DataError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_gets_its_name_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "a.txt"
    with files.whole_file(path) as partial:
        partial.write_text("half")
        assert not path.exists() and partial.parent == path.parent
        partial.write_text("whole")
    assert path.read_text() == "whole" and names(path.parent) == ["a.txt"]


@pytest.mark.parametrize("make", [files.whole_file, lambda path: files.whole_folder(path, existing="replace")])
def test_a_writer_that_fails_leaves_what_was_there(tmp_path, make):
    with files.whole_folder(tmp_path / "thing", existing="keep") as partial:
        (partial / "a").write_text("before")
    with pytest.raises(OSError, match="disk full"), make(tmp_path / "thing"):
        raise OSError("disk full")
    assert names(tmp_path) == ["thing"] and (tmp_path / "thing" / "a").read_text() == "before"


@pytest.mark.parametrize(("existing", "left"), [("keep", "first"), ("replace", "second")])
def test_what_becomes_of_a_folder_that_has_the_name(tmp_path, existing, left):
    for content in ("first", "second"):
        with files.whole_folder(tmp_path / "folder", existing=existing) as partial:
            (partial / "a").write_text(content)
    assert (tmp_path / "folder" / "a").read_text() == left and names(tmp_path) == ["folder"]


def test_others_may_read_what_any_new_file_lets_them(tmp_path):
    (tmp_path / "new").touch()
    expected = (tmp_path / "new").stat().st_mode
    with files.whole_file(tmp_path / "file") as partial:
        save_file({"a": torch.zeros(1)}, partial)
    with files.whole_folder(tmp_path / "folder", existing="keep") as partial:
        (partial / "inner").mkdir()
        save_file({"a": torch.zeros(1)}, partial / "inner" / "a.safetensors")
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "folder/inner/a.safetensors").stat().st_mode == expected


def test_a_file_in_the_place_of_a_folder_is_an_error_and_stays(tmp_path):
    (tmp_path / "folder").write_text("mine")
    with pytest.raises(NotADirectoryError), files.whole_folder(tmp_path / "folder", existing="replace"):
        pass
    assert (tmp_path / "folder").read_text() == "mine" and names(tmp_path) == ["folder"]


def write_many(folder: Path, existing: str, content: str) -> None:
    for _ in range(100):
        with files.whole_folder(folder, existing=existing) as partial:
            (partial / "a").write_text(content)
            (partial / "b").write_text(content)
        files.write_json(folder.with_suffix(".json"), {"by": content})


@pytest.mark.parametrize("existing", ["keep", "replace"])
def test_processes_that_write_the_same_thing_at_once_all_end_well(tmp_path, existing):
    with ProcessPoolExecutor(4) as pool:
        for done in [pool.submit(write_many, tmp_path / "folder", existing, str(number)) for number in range(4)]:
            done.result()
    a, b = ((tmp_path / "folder" / name).read_text() for name in "ab")
    assert a == b and names(tmp_path) == ["folder", "folder.json"]
    assert files.read_json(tmp_path / "folder.json")["by"] in "0123"


WRITE = """
import sys, time
from unite.files import whole_folder
with whole_folder(sys.argv[1], existing="keep"):
    time.sleep(60)
"""


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path):
    processes = [subprocess.Popen([sys.executable, "-c", WRITE, str(tmp_path / name)]) for name in ("killed", "living")]
    try:
        while len(names(tmp_path)) < 2:
            assert all(process.poll() is None for process in processes)
            time.sleep(0.02)
        processes[0].kill()
        processes[0].wait()
        files.write_text(tmp_path / "mine.txt", "")
        assert [name.partition(".")[0] for name in names(tmp_path)] == ["living", "mine"]
    finally:
        for process in processes:
            process.kill()
            process.wait()


WRITE_ON = """
import os, sys, time
from unite.files import whole_folder, write_text
with whole_folder(sys.argv[1], existing="keep") as partial:
    if os.fork():
        time.sleep(60)
    for number in range(20_000):
        write_text(partial / "train" / str(number % 200), "a worker that outlives its process")
        time.sleep(0.001)
"""


def test_a_worker_that_outlives_a_killed_process_cannot_write_on_into_what_is_removed(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", WRITE_ON, str(tmp_path / "folder")], stderr=subprocess.PIPE, text=True)
    while not list(tmp_path.glob("*.partial/train/100")):
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    files.write_text(tmp_path / "mine.txt", "")
    assert names(tmp_path) == ["mine.txt"]
    assert "FileNotFoundError" in process.communicate(timeout=20)[1]  # which ends when the worker has ended


def test_json_and_lines_come_back_as_they_were(tmp_path):
    value = {"text": "\u7ea2 | \n", "number": 1.5, "list": [1, None]}
    files.write_json(tmp_path / "a.json", value)
    assert files.read_json(tmp_path / "a.json") == value == json.loads((tmp_path / "a.json").read_bytes())
    files.write_lines(tmp_path / "a.jsonl", [value, {}])
    files.append_line(tmp_path / "a.jsonl", value)
    assert list(files.read_lines(tmp_path / "a.jsonl")) == [value, {}, value]


def test_half_of_a_surrogate_pair_is_written_as_its_escape(tmp_path):
    files.write_text(tmp_path / "a.txt", "cut \ud83d")
    assert (tmp_path / "a.txt").read_text() == "cut \\ud83d"


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read.* Build it again"), ("{", "cannot be read"), ("[1]", "must be a JSON object, but is 'list'")],
)
def test_a_file_that_holds_no_object_is_named(tmp_path, content, message):
    path = tmp_path / "task.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataError, match=f"task.json.*{message}"):
        files.read_json(path, "Build it again.")


def test_yaml_that_is_none_or_no_mapping_is_told_with_its_file(tmp_path):
    (tmp_path / "config.yaml").write_text("a: 1")
    assert files.read_yaml(tmp_path / "config.yaml") == {"a": 1}
    for text, message in (("a: [", "config.yaml cannot be read"), ("- 1", "must be a mapping, but is 'list'")):
        (tmp_path / "config.yaml").write_text(text)
        with pytest.raises(DataError, match=message):
            files.read_yaml(tmp_path / "config.yaml")
    with pytest.raises(DataError, match="cannot be read .*No such file"):
        files.read_yaml(tmp_path / "none.yaml")


def test_what_has_no_end_is_not_read(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert [files.with_an_end(tmp_path / name) for name in ("file", "link")] == [tmp_path / "file", tmp_path / "link"]
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(OSError, match="it is a device or a pipe, no file"):
            files.with_an_end(path)
    with pytest.raises(FileNotFoundError):
        files.with_an_end(tmp_path / "none")
