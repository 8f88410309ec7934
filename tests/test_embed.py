"""A corpus as a user embeds it: the command, twice, by two processes, and what it refuses."""

import csv
import subprocess
import sys

import pytest

from tests.commands import ROOT, environment
from tests.composed import composed
from tests.encoder.checkpoints import tiny
from tests.search.corpus.material import picture
from unite.build.early import check_embed
from unite.build.early_data import addresses
from unite.build.embed import build_corpus_encoder, build_corpus_options
from unite.errors import ConfigError, UniteError
from unite.search.corpus.stored import StoredCorpus


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return tiny(tmp_path_factory.mktemp("checkpoint"))


def embed(checkpoint, folder, *overrides, code=0, processes=1):
    torchrun = ["-m", "torch.distributed.run", "--nproc-per-node", str(processes)] if processes > 1 else []
    given = [f"checkpoint={checkpoint}", f"out={folder / 'out'}", f"runs_root={folder / 'runs'}", *overrides]
    command = [sys.executable, *torchrun, "-m", "unite.embed", *given]
    environ = {key: value for key, value in environment().items() if key != "UNITE_RUN_STARTED"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300, env=environ)
    assert done.returncode == code, done.stdout + done.stderr
    return " ".join((done.stdout + done.stderr).split())


def test_two_processes_embed_a_folder_and_a_table(checkpoint, tmp_path):
    for at in range(6):
        picture(tmp_path / "photos" / f"{at}.png", at * 30)
    with (tmp_path / "a.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["text", "n"], ["the red cat", 1], ["a blue dog", 2]])
    corpus = f"corpus={{photos: {tmp_path / 'photos'}, texts: {tmp_path / 'a.csv'}}}"
    output = embed(checkpoint, tmp_path, corpus, "vectors=float16", "format=parquet", "device=cpu", processes=2)
    assert f"The corpus is in {tmp_path / 'out'}: 8 rows (8 embedded" in output and output.count("The corpus is in") == 1
    assert output.endswith(f"Search in it: python -m unite.search index={tmp_path / 'out'}") and output.count("Search in it") == 1
    stored = StoredCorpus(tmp_path / "out")
    assert stored.facts.dim == 32 and stored.columns == {"n": "int64"} and stored.modalities == ["image", "text"]
    assert {row["id"] for row in stored.read(["id"]).to_pylist()} == {f"photos/{at}.png" for at in range(6)} | {
        "texts/a.csv#0",
        "texts/a.csv#1",
    }
    assert (tmp_path / "out" / "parquet" / "rows-00000.parquet").is_file()


def test_what_is_wrong_with_the_command_is_told_at_once(checkpoint, tmp_path):
    (tmp_path / "a.csv").write_text("text\none\n")
    with pytest.raises(UniteError, match=r"(?s)2 things are to be mended.*rows_per_part must be at least 1.*checkpoint must be"):
        check_embed(
            composed("embed", f"corpus={tmp_path / 'a.csv'}", "checkpoint=/nowhere/x", f"out={tmp_path / 'out'}", "rows_per_part=0")
        )
    with pytest.raises(ConfigError, match="out must be a folder, but is"):
        check_embed(composed("embed", f"corpus={tmp_path / 'a.csv'}", f"checkpoint={checkpoint}", f"out={tmp_path / 'a.csv'}"))


def test_without_lancedb_it_says_how_to_have_it(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr("unite.build.early_search.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"lancedb is not installed: pip install 'unite\[search\]'"):
        check_embed(composed("embed", f"corpus={tmp_path}", f"checkpoint={checkpoint}", f"out={tmp_path / 'out'}"))


@pytest.mark.parametrize("corpus", ["a.csv", ["a.csv", "photos"], {"a": "a.csv"}])
def test_a_corpus_is_an_address_several_or_some_by_name(corpus):
    told = str(corpus).replace("'", "").replace(": ", ":")
    config = composed("embed", f"corpus={told}", "checkpoint=x", "out=y")
    assert addresses(config) == corpus


@pytest.mark.parametrize("corpus", ["[]", "3", "[[a]]"])
def test_a_corpus_that_is_none_is_told(corpus):
    with pytest.raises(ConfigError, match="corpus must be an address, a list of addresses, or addresses by name"):
        addresses(composed("embed", f"corpus={corpus}", "checkpoint=x", "out=y"))


def test_options_and_the_checkpoint_s_state(checkpoint):
    config = composed(
        "embed", "corpus=a", f"checkpoint={checkpoint}", "out=y", "vectors=int8", "decoding.fps=2", "columns.text=body", "device=cpu"
    )
    options, columns = build_corpus_options(config)
    assert (options.vectors, options.decoding.fps, columns.text) == ("int8", 2, "body")
    one = build_corpus_encoder(config)
    assert one.state == build_corpus_encoder(config).state != "" and not one.has_gpu
    config.encoder.override.max_length = 77
    assert build_corpus_encoder(config).state != one.state
