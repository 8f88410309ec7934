"""What `resume=` names, on folders of empty files."""

import re
from pathlib import Path

import pytest

from tests.composed import composed
from unite.config.resumed import Resumed, refuse_half_copied, resumed_run
from unite.errors import ConfigError


def made(folder, *files):
    for name in ("config.yaml", "overrides.json", *files):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


@pytest.fixture
def root(tmp_path):
    """Runs of the name `mine`: one that broke off in its second stage, one that is finished, one without its config."""
    mine = tmp_path / "mine"
    steps = ("alignment/step=2.ckpt", "alignment/step=4.ckpt", "adaptation/step=4.ckpt", "adaptation/step=10.ckpt")
    made(mine / "a", *(f"checkpoints/{step}" for step in steps))
    made(mine / "done", "checkpoints/adaptation/step=4.ckpt", "finished")
    made(mine / "half", "checkpoints/adaptation/step=4.ckpt")
    (mine / "half" / "config.yaml").unlink()
    (mine / "other" / "docs").mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("", (None, None)),
        ("@2", ("alignment", 2)),
        ("@10", ("adaptation", 10)),
        ("@alignment/4", ("alignment", 4)),
        ("@adaptation/4", ("adaptation", 4)),
    ],
)
def test_a_run_and_the_step_of_one_of_its_checkpoints(root, place, expected):
    folder = root / "mine" / "a"
    assert resumed_run(f"{folder}{place}", root, "elsewhere") == Resumed(folder, *expected)
    assert resumed_run(f"a{place}", root, "mine") == Resumed(folder, *expected)
    assert composed("train", f"runs_root={root}", f"resume={folder}{place}").run_folder == str(folder)


def test_a_folder_may_have_an_at_in_its_name(root):
    folder = made(root / "mine" / "b@3", "checkpoints/adaptation/step=3.ckpt")
    assert resumed_run(str(folder), root, "mine") == Resumed(folder) == resumed_run("b@3", root, "mine")
    assert resumed_run("b@3@3", root, "mine") == Resumed(folder, "adaptation", 3)


@pytest.mark.parametrize("resume", [True, False])
def test_true_and_false_name_no_run(root, resume):
    assert resumed_run(resume, root, "mine") is None


@pytest.mark.parametrize(
    ("resume", "message"),
    [
        ("ture", "resume must be true, false, or a run .*there is no run ture'. Unfinished runs in .*mine: a, half."),
        ("gone@4", "there is no run gone'"),
        ("@4", "there is no run @4'"),
        ("1", "there is no run 1'"),
        ("other", "is a folder of something else'"),
        ("done", "resume must be a run that is not finished, but is 'done, a finished one'. .*init_from=.*done"),
        ("done@4", "a finished one"),
        ("half@4", "the run .*half, which is to be resumed, must be whole, but is 'without config.yaml'. Copy it again"),
        ("a@3", "the step of resume must be one of adaptation/10, adaptation/4, alignment/2, alignment/4, but is '3'. .*keep_last"),
        ("a@alignment/10", "must be one of adaptation/10, .*but is 'alignment/10'"),
        ("a@best/4", "must be one of .*but is 'best/4'"),
        ("a@latest", "must be one of .*but is 'latest'"),
        ("a@4", "the step of resume must be adaptation/4 or alignment/4, since steps are counted in each stage, but is '4'"),
    ],
)
def test_what_is_no_run_or_no_step_of_it_is_said_before_anything_is_made(root, resume, message):
    before = sorted(root.rglob("*"))
    with pytest.raises(ConfigError, match=message):
        resumed_run(resume, root, "mine")
    with pytest.raises(SystemExit, match=message):  # as the command says it
        _ = composed("train", f"runs_root={root}", "name=mine", f"resume={resume}").run_folder
    assert sorted(root.rglob("*")) == before


def test_a_run_without_what_it_was_begun_with_is_refused_once_it_has_checkpoints(root):
    refuse_half_copied(Path(root / "mine" / "a"))
    (root / "mine" / "new" / "checkpoints" / "alignment").mkdir(parents=True)
    refuse_half_copied(root / "mine" / "new")
    (root / "mine" / "a" / "overrides.json").unlink()
    with pytest.raises(ConfigError, match=re.escape("must be whole, but is 'without overrides.json'. Copy it again")):
        refuse_half_copied(root / "mine" / "a")
