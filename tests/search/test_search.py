"""`python -m unite.search` as a user runs it (`__main__.py`), and what it builds."""

import signal
import subprocess
import sys
import urllib.request
from html import unescape
from types import SimpleNamespace
from urllib.error import HTTPError

import pytest
import yaml
from PIL import Image
from starlette.testclient import TestClient

from tests.commands import ROOT, environment
from tests.composed import composed
from tests.encoder.checkpoints import CORPUS, tiny
from tests.search.media_files import clip
from unite.build.early import check_search
from unite.build.serving import build_app, open_searchers, shown_address
from unite.config.schema import TinyCheckpointConfig
from unite.embedding import Embedder
from unite.encoder.tiny import build_tiny_checkpoint
from unite.errors import ConfigError, DataError, UniteError
from unite.search.corpus.embed import embed_corpus
from unite.search.corpus.encoder import CorpusEncoder
from unite.search.server.serving import open_socket


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    """One folder of pictures, embedded by two encoders."""
    root = tmp_path_factory.mktemp("search")
    for place, colour in enumerate(("red", "green", "blue")):
        (root / "pictures").mkdir(exist_ok=True)
        Image.new("RGB", (40 + place, 40), colour).save(root / "pictures" / f"{colour}.png")
    other = TinyCheckpointConfig(hidden_size=32, num_layers=1, vision_hidden_size=32, vision_num_layers=1, vocab_size=300)
    made = {"one": tiny(root / "encoder-one"), "two": build_tiny_checkpoint(other, root / "encoder-two", CORPUS)}
    for name, checkpoint in made.items():
        embedder = Embedder(checkpoint, device="cpu")
        embed_corpus(str(root / "pictures"), root / name, CorpusEncoder(str(checkpoint), name, lambda embedder=embedder: embedder.encoder))
    return root


def encoder_of(corpora, name):
    (config,) = (corpora / f"encoder-{name}").rglob("config.json")
    return config.parent


def config_of(corpora, tmp_path, *overrides):
    return composed("search", f"runs_root={tmp_path}", "port=0", "device=cpu", *overrides)


def test_two_corpora_are_served_beside_each_other(corpora, tmp_path):
    config = config_of(corpora, tmp_path, f"index={corpora / 'one'}", f"index2={corpora / 'two'}", f"labels={tmp_path / 'l.jsonl'}")
    check_search(config)
    searchers = open_searchers(config, print)
    assert list(searchers) == ["one", "two"]
    with TestClient(build_app(config, searchers), base_url="http://127.0.0.1") as client:
        sent = {"file0": ("x.png", (corpora / "pictures" / "green.png").read_bytes(), "image/png")}
        page = client.post("/", data={"text": ""}, files=sent)
        left, right = page.text.split('<div class="side b">')
        for side in (left, right):
            assert side.index('data-id="green.png"') == side.index("data-id=") and "1.000" in side
        assert client.get("/media?in=1&id=red.png").content == (corpora / "pictures" / "red.png").read_bytes()
        assert client.get("/?text=a&where=nothing+%3D+1").status_code == 400


def test_a_clip_of_a_stranger_has_a_deadline(corpora, tmp_path, monkeypatch):
    monkeypatch.setattr("unite.build.serving.DECODE_SECONDS", 1e-9)
    (searcher,) = open_searchers(config_of(corpora, tmp_path, f"index={corpora / 'one'}"), print).values()
    with pytest.raises(DataError, match="must be decoded within 1e-09 seconds"):
        searcher.embed([{"video": [clip("png", "mp4")]}])


def test_equal_names_are_told_apart(corpora, tmp_path):
    searchers = open_searchers(config_of(corpora, tmp_path, f"index={corpora / 'one'}", f"index2={corpora / 'one'}"), print)
    assert list(searchers) == ["one", "one (one)"]


def test_an_index_of_another_encoder_is_refused(corpora, tmp_path):
    config = config_of(corpora, tmp_path, f"index={corpora / 'one'}", f"checkpoint={encoder_of(corpora, 'two')}")
    with pytest.raises(DataError, match="encoder"):
        open_searchers(config, print)


def test_what_is_wrong_is_told_before_anything_is_loaded(corpora, tmp_path):
    (tmp_path / "no.jsonl").write_text("{}\n")
    config = config_of(
        corpora, tmp_path, f"index={tmp_path / 'none'}", "checkpoint=/nowhere/x", "token=easy", f"labels={tmp_path / 'no.jsonl'}"
    )
    with pytest.raises(UniteError) as told:
        check_search(config)
    for what in (str(tmp_path / "none"), "checkpoint must be", "the token must be 16 or more", "cannot be read as labels"):
        assert what in str(told.value)
    with pytest.raises(ConfigError, match="labels must be a file in a folder that is there"):
        check_search(config_of(corpora, tmp_path, "labels=no/such/l.jsonl"))
    with pytest.raises(ConfigError, match="index2 must be given beside index"):
        check_search(config_of(corpora, tmp_path, f"index2={corpora / 'one'}"))
    with open_socket("127.0.0.1", 0, None) as taken, pytest.raises(ConfigError, match=r"free on this machine, but is '127.0.0.1:\d+ \("):
        check_search(composed("search", f"runs_root={tmp_path}", f"port={taken.getsockname()[1]}"))


def test_without_the_packages_it_says_how_to_have_them(corpora, tmp_path, monkeypatch):
    monkeypatch.setattr("unite.build.early_search.find_spec", lambda name: None if name == "uvicorn" else object())
    with pytest.raises(ConfigError, match=r"needs uvicorn: pip install 'unite\[search\]'"):
        check_search(config_of(corpora, tmp_path))


@pytest.mark.parametrize(("screen", "wanted", "opened"), [(":0", True, 1), ("", True, 0), (":0", False, 0)])
def test_a_browser_is_opened_where_there_is_one(monkeypatch, screen, wanted, opened):
    seen, said = [], []
    monkeypatch.setattr("webbrowser.open", seen.append)
    monkeypatch.setenv("DISPLAY", screen)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    shown_address(SimpleNamespace(browser=wanted, labels="l.jsonl"), said.append)("http://127.0.0.1:5/?token=secret")
    assert seen == ["http://127.0.0.1:5/?token=secret"] * opened
    assert said[0].startswith("The search page is at http://127.0.0.1:5/?token=secret ") and "http://127.0.0.1:5/api/docs" in said[0]


WORLD = {"_target_": "unite.worlds.emoji.EmojiWorld", "num_train": 4, "num_queries": 8, "num_candidates": 16, "num_glyphs": 24}


def test_the_built_in_case_from_the_newest_run_to_a_page(corpora, tmp_path):
    run = tmp_path / "runs" / "stage2_mamcl" / "first"
    Embedder(encoder_of(corpora, "one"), device="cpu").encoder.save(run / "encoder")
    world = {**WORLD, "root": str(tmp_path / "data"), "num_rare_glyphs": 0, "seed": 0}
    (run / "config.yaml").write_text(yaml.safe_dump({"mixture": {"sources": {"t2i": {"world": world}}}}))
    (run / "finished").touch()
    command = [
        sys.executable,
        "-m",
        "unite.search",
        f"runs_root={tmp_path / 'runs'}",
        "port=0",
        "device=cpu",
        "host=0.0.0.0",
        "browser=false",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT, env=environment()) as server:
        try:
            lines = [""]
            while "The search page is at" not in lines[-1]:
                lines.append(server.stdout.readline())
                assert lines[-1], "".join(lines[-4:])  # it ended
            address = f"http://127.0.0.1:{lines[-1].split()[5].split(':')[2]}"  # listened on by all names
            whole = urllib.request.build_opener(urllib.request.HTTPCookieProcessor()).open(f"{address}&text=a+bird", timeout=60)
            page = unescape(whole.read().decode())
            filtered = urllib.request.build_opener(urllib.request.HTTPCookieProcessor()).open(
                f"{address}&text=a+bird&words=moves&column=motion&operator=filled", timeout=60
            )
            clips = unescape(filtered.read().decode())
            with pytest.raises(HTTPError, match="401"):
                urllib.request.urlopen(address.partition("?")[0], timeout=60)
        finally:
            server.send_signal(signal.SIGINT)
            rest, _ = server.communicate(timeout=60)
    assert server.returncode == 0 and "Traceback" not in rest and "uvicorn" not in rest
    assert page.count('<li class="hit') == 24 and "pictures/" in page and "clips/" in page
    assert 'data-id="clips/' in clips and 'data-id="pictures/' not in clips and " moves " in clips
    assert (run / "emoji_corpus" / "corpus.json").is_file()
