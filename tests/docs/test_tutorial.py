"""The tutorial as its reader follows it: its files are written and its commands run as they stand, on pictures of glyphs."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.commands import ROOT
from tests.docs.page import commands_of, files_of
from unite.worlds.emoji.atlas import glyphs, sprite

PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
COMMANDS = list(commands_of(PAGE))
#: Commands of the page that are not written yet: one that is, is taken out here.
NOT_YET = {"unite.export", "unite.embed", "unite.index", "unite.search"}


def write_pictures(folder):
    folder.mkdir()
    for glyph in glyphs():
        colour, alpha = sprite(glyph.index, 64)
        name = folder / glyph.name.replace(" ", "-")
        Image.fromarray(np.uint8(colour + 255 * (1 - alpha))).save(name.with_suffix(".png"))
        name.with_suffix(".txt").write_text(f"{glyph.indefinite}\n")


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reader")
    write_pictures(folder / "pictures")
    for name, text in files_of(PAGE):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    environ = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    commands = json.dumps([words for words in COMMANDS if words[0] not in NOT_YET])
    fork = [sys.executable, "-m", "tests.docs.fork"]
    done = subprocess.run(fork, input=commands, capture_output=True, text=True, cwd=folder, timeout=400, env=environ)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_there_are_ten_commands():
    assert len(COMMANDS) == 10


def test_every_picture_is_in_the_shards(followed):
    assert json.loads((followed / "data/pictures/datasheet.json").read_text())["totals"]["rows"] == len(glyphs())


def test_both_objectives_are_the_same_loss_as_the_page_says(followed):
    weights = [(followed / f"runs/{run}/encoder/model.safetensors").read_bytes() for run in ("mamcl", "infonce")]
    assert weights[0] == weights[1]


def test_the_pages_are_where_the_tutorial_says(followed):
    assert "near chance" in (followed / "runs/report.html").read_text()
    assert (followed / "runs/dashboard.html").is_file()


def test_the_pictures_are_found(followed):
    (evaluation,) = (followed / "runs/evaluate").iterdir()
    metrics = json.loads((evaluation / "metrics.json").read_text())
    assert metrics["pairs/mean/recall@1"] > 10 / len(glyphs())
