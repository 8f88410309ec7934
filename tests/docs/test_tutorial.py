"""The tutorial as its reader follows it: its files are written and its commands run as they stand, on pictures of glyphs."""

import json
import os
import re
import subprocess
import sys
import threading
import urllib.request

import numpy as np
import pytest
from PIL import Image

from tests.commands import ROOT
from tests.docs.page import commands_of, files_of
from unite.worlds.emoji.atlas import glyphs, sprite

PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
COMMANDS = list(commands_of(PAGE))
#: The command that goes on until it is ended.
SERVER = "unite.search"


def environment():
    return os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "BROWSER": "true"}  # `true` opens nothing


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
    commands = json.dumps([words for words in COMMANDS if words[0] != SERVER])
    fork = [sys.executable, "-m", "tests.docs.fork"]
    done = subprocess.run(fork, input=commands, capture_output=True, text=True, cwd=folder, timeout=400, env=environment())
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
    assert metrics["score"] > 10 / len(glyphs())


def test_the_search_page_answers(followed):
    (words,) = (words for words in COMMANDS if words[0] == SERVER)
    server = subprocess.Popen([sys.executable, "-m", *words], stdout=subprocess.PIPE, text=True, cwd=followed, env=environment())
    stop = threading.Timer(200, server.kill)
    stop.start()
    try:
        address = next(found[0] for line in server.stdout if (found := re.search(r"http://[\w.:]+/", line)))
        with urllib.request.urlopen(f"{address}?text=a+cat", timeout=60) as answer:
            shown = set(re.findall(r"([\w-]+)\.png", answer.read().decode()))
        assert shown and shown <= {glyph.name.replace(" ", "-") for glyph in glyphs()}
    finally:
        stop.cancel()
        server.terminate()
        server.wait(60)
