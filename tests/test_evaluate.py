"""Evaluation over several processes, and its cache, as a user runs them on a small emoji world."""

import json
import subprocess
import sys

import pytest
from safetensors.torch import load_file

from tests.commands import ROOT, SMALL, environment, only, run

WORLD = SMALL[:4]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """A run that two ranks trained and evaluated, and what they printed."""
    runs = tmp_path_factory.mktemp("runs")
    arguments = ["+experiment=stage2_mamcl", "alignment=none", "trainer.max_steps=2", "trainer.devices=2", "trainer.accelerator=cpu"]
    output = run("train", data, runs, *SMALL, *arguments)
    return only(runs / "stage2_mamcl"), output


def metrics_of(folder):
    """The numbers: what the score is, is no number."""
    found = json.loads((folder / "metrics.json").read_text())
    assert found.pop("score_is")["name"].startswith("mean recall@1 over ")
    return found


def embeddings_in(cache):
    """The vectors of a cache by their contents' fingerprints."""
    parts = [load_file(path) for path in cache.rglob("part-*.safetensors")]
    with_vectors = (part for part in parts if "embedding" in part)
    return {key: row for part in with_vectors for key, row in zip(part["fingerprint"].tolist(), part["embedding"], strict=True)}


def test_a_checkpoint_that_is_not_there_is_told_before_anything_is_built(tmp_path):
    output = run("evaluate", tmp_path / "data", tmp_path / "runs", "checkpoint=nowhere/at/all", code=1)
    assert "checkpoint must be a run folder" in output and list(tmp_path.iterdir()) == []


def test_ranks_that_trained_together_evaluate_together_and_one_prints(trained):
    folder, output = trained
    assert output.count("retrieval, in percent") == 1 and output.count("The run is in") == 1
    assert f"Hand the encoder on: python -m unite.export run={folder} out=<folder>" in output
    assert (folder / "finished").exists() and "emoji/temporal/recall@1" in metrics_of(folder)
    assert metrics_of(folder)["score"] == metrics_of(folder)["emoji/mean/recall@1"]
    assert not (folder / "config.resumed.yaml").exists()


def test_a_benchmark_without_data_is_told_shortly_before_weights_are_read_and_leaves_nothing(tmp_path_factory, tmp_path):
    folder = tmp_path_factory.mktemp("no_weights")
    (folder / "config.json").write_text('{"model_type": "qwen2_vl"}')  # reading the rest of it would be told of
    output = run("evaluate", tmp_path / "data", tmp_path / "runs", f"checkpoint={folder}", "suite=paper_coarse", code=1)
    assert len(output.partition("no task of suite")[2].splitlines()) == 7 and "Traceback" not in output
    assert list(tmp_path.iterdir()) == []


def test_torchrun_shares_an_evaluation_and_the_next_one_takes_it_from_the_cache(trained, data, tmp_path):
    folder, _ = trained
    arguments = [*WORLD, f"checkpoint={folder}", f"data_root={data}", "device=cpu"]
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "unite.evaluate", *arguments]
    environ = {key: value for key, value in environment().items() if key != "UNITE_RUN_STARTED"}
    command += [f"runs_root={tmp_path / 'two'}", f"cache={tmp_path / 'by_two'}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300, env=environ)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("retrieval, in percent") == 1
    assert "0 were taken from the cache" in " ".join(done.stdout.split())
    by_two = only(tmp_path / "two" / "evaluate")  # one run folder
    assert metrics_of(by_two) == pytest.approx(metrics_of(folder), abs=1e-6)
    run("evaluate", data, tmp_path / "one", *arguments[:-2], "device=cpu", f"cache={tmp_path / 'by_one'}")
    ours, theirs = embeddings_in(tmp_path / "by_two"), embeddings_in(tmp_path / "by_one")
    assert ours.keys() == theirs.keys() and len(ours) > 200
    assert max(float((ours[content] - theirs[content]).abs().max()) for content in ours) < 1e-5

    output = run("evaluate", data, tmp_path / "cached", *arguments[:-2], "device=cpu", f"cache={tmp_path / 'by_two'}")
    assert " 0 were made" in " ".join(output.split())
    assert metrics_of(only(tmp_path / "cached" / "evaluate")) == pytest.approx(metrics_of(by_two), abs=1e-6)
