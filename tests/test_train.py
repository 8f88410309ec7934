"""The commands, as a user runs them, on a small emoji world."""

import json
import signal
import subprocess
import time

import pytest
import torch
from omegaconf import OmegaConf
from safetensors.torch import load_file

from tests.commands import ROOT, SMALL, command, environment, only, run


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


def keys_by_step(folder):
    """The samples of each step as last seen: a killed run may have seen a step that the resumed one takes again."""
    lines = [json.loads(line) for line in (folder / "samples-rank0.jsonl").read_text().splitlines()]
    return {line["step"]: line["keys"] for line in lines}


def test_a_killed_run_resumes_exactly_and_is_evaluated(data, tmp_path):
    arguments = [*SMALL, "+experiment=stage2_mamcl", "alignment.max_steps=3", "trainer.max_steps=8"]
    output = run("train", data, tmp_path / "whole", *arguments, "resume=true", "trainer.log_every_n_steps=1")
    whole = only(tmp_path / "whole" / "stage2_mamcl")
    assert "there is no unfinished run in" in output and "a new one begins" in output  # nothing to resume
    assert "temporal" in output and "held-in" in output and "train/loss" in (whole / "log" / "metrics.csv").read_text()
    metrics = json.loads((whole / "metrics.json").read_text())
    told = metrics.pop("score_is")
    assert 0 <= metrics["emoji/t2i/recall@1"] <= 1 and "emoji_held_in/mean/recall@1" in metrics
    assert {"encoder", "config.yaml", "provenance.json", "metrics.json", "recall.png", "finished"} <= {
        path.name for path in whole.iterdir()
    }

    killed = subprocess.Popen(command("train", data, tmp_path / "killed", *arguments, "evaluate=false"), cwd=ROOT, env=environment())
    try:
        pattern = "stage2_mamcl/*/checkpoints/adaptation/*.ckpt"
        deadline = time.monotonic() + 200
        while not list((tmp_path / "killed").glob(pattern)) and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    broken = only(tmp_path / "killed" / "stage2_mamcl")
    assert not (broken / "finished").exists()
    # The rest of the first command is remembered: without it, length and schedule would be others.
    output = run("train", data, tmp_path / "killed", "+experiment=stage2_mamcl", "resume=true")
    assert "begun with: world.num_train=64" in output and "resumed from" in output and (broken / "finished").exists()
    assert keys_by_step(broken) == keys_by_step(whole)
    torch.testing.assert_close(load_file(broken / "encoder" / "model.safetensors"), load_file(whole / "encoder" / "model.safetensors"))

    output = run("evaluate", data, tmp_path / "evaluated", *SMALL[:4], f"checkpoint={whole}")
    again = json.loads((only(tmp_path / "evaluated" / "evaluate") / "metrics.json").read_text())
    assert again.pop("score_is") == told
    assert again == pytest.approx(metrics, abs=1e-6)


def test_a_sweep_runs_each_job_in_a_folder_of_its_own(data, tmp_path):
    output = run(
        "train",
        data,
        tmp_path,
        "-m",
        *SMALL,
        "+experiment=stage2_mamcl",
        "alignment=none",
        "trainer.max_steps=2",
        "mixture=tt,ti",
        "evaluate=false",
    )
    assert output.count("The run is in") == 2 and "Compare runs" not in output  # there is nothing to compare
    jobs = sorted(path.parent for path in tmp_path.rglob("finished"))
    assert [job.name[:2] for job in jobs] == ["0_", "1_"] and len({job.parent for job in jobs}) == 1
    sources = [set(OmegaConf.load(job / "config.yaml").mixture.sources) for job in jobs]
    assert sources == [{"t2t"}, {"t2i", "i2t"}]


def test_a_folder_to_start_from_that_is_no_run_is_told_before_anything_is_built(tmp_path):
    (tmp_path / "other").mkdir()
    output = run("train", tmp_path / "data", tmp_path / "runs", "+experiment=stage2_mamcl", f"init_from={tmp_path / 'other'}", code=1)
    assert "init_from must be a run folder that holds encoder/config.json" in output and "resume=true" in output
    assert "Traceback" not in output and [path.name for path in tmp_path.iterdir()] == ["other"]


def test_a_suite_without_data_is_told_before_training_and_leaves_no_run(tmp_path):
    output = run("train", tmp_path / "data", tmp_path / "runs", *SMALL, "+experiment=stage2_mamcl", "suite=flickr30k", code=1)
    assert "flickr30k must be complete, but is 'without dataset_flickr30k.json'" in output and "Traceback" not in output
    assert not (tmp_path / "runs").exists()
