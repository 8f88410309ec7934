"""The commands, as a user runs them, on a small emoji world."""

import csv
import json
import signal
import subprocess
import time

import pytest
import torch
from safetensors.torch import load_file

from tests.commands import ROOT, SMALL, command, environment, only, run
from unite.data.rows import Row, StoredContent
from unite.data.shards import ShardWriter


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
    assert "site-packages" not in output and "[pytorch_lightning" not in output  # no library has anything to warn of
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

    # Trained, and its evaluation broken off: the record stays that of the training, and a stage that is over gets no more steps.
    (broken / "finished").unlink()
    record = json.loads((broken / "provenance.json").read_text()) | {"hardware": {"device": "NVIDIA H200", "count": 8}}
    (broken / "provenance.json").write_text(json.dumps(record))
    again = ["+experiment=stage2_mamcl", "resume=true", "evaluate=true"]
    output = run("train", data, tmp_path / "killed", *again, "trainer.max_steps=9", code=1)
    assert "adaptation.max_steps of the resumed run must be 8, but is 9. That stage is behind it. To train on, start another" in output
    run("train", data, tmp_path / "killed", *again)
    assert json.loads((broken / "provenance.json").read_text()) == record
    assert json.loads((broken / "metrics.json").read_text())["emoji/t2i/recall@1"] == pytest.approx(metrics["emoji/t2i/recall@1"], abs=1e-6)


def test_a_folder_to_start_from_that_is_no_run_is_told_before_anything_is_built(tmp_path):
    (tmp_path / "other").mkdir()
    output = run("train", tmp_path / "data", tmp_path / "runs", "+experiment=stage2_mamcl", f"init_from={tmp_path / 'other'}", code=1)
    assert "init_from must be a run folder that holds encoder/config.json" in output and "resume=true" in output
    assert "Traceback" not in output and [path.name for path in tmp_path.iterdir()] == ["other"]


def test_a_suite_without_data_is_told_before_training_and_leaves_no_run(tmp_path):
    output = run("train", tmp_path / "data", tmp_path / "runs", *SMALL, "+experiment=stage2_mamcl", "suite=flickr30k", code=1)
    assert "flickr30k must be complete, but is 'without dataset_flickr30k.json'" in output and "Traceback" not in output
    assert not (tmp_path / "runs").exists()


def test_validation_changes_no_sample_and_own_data_is_evaluated_on_its_held_out_rows(data, tmp_path):
    with ShardWriter(tmp_path / "mine") as writer:
        for at in range(80):
            writer.write(Row(f"{at:03d}", StoredContent(f"number {at}"), (StoredContent(f"it is {at} of them"),)))
    own = ["mixture=tt", f"mixture.sources.t2t.shards={tmp_path / 'mine'}", "mixture.sources.t2t.world=null"]
    arguments = [*SMALL, *own, "alignment=none", "trainer.max_steps=5", "trainer.keep_last=2", "validation=held_out"]
    arguments += ["validation.held_out.share=0.45"]
    output = run("train", data, tmp_path / "often", *arguments, "validation.every_n_steps=2", "export=best")
    often = only(tmp_path / "often" / "train")
    assert "source emoji_t2t: 36 of 80 rows are held out" in output and "(3 times)" in output and "are exported, the best" in output
    assert "evaluated on its held-out rows: its mixture has none of the suite's world" in output
    best = json.loads((often / "checkpoints" / "adaptation" / "best" / "best.json").read_text())
    metrics = json.loads((often / "metrics.json").read_text())
    assert metrics["score"] == metrics["held_out/t2t/recall@1"] == pytest.approx(best["score"])  # what is exported is what was best
    rows = list(csv.DictReader((often / "log" / "metrics.csv").open()))
    assert [row["step"] for row in rows if row["validation/loss"] and row["validation/text-to-text/recall@10"]] == ["2", "4", "5"]
    assert {path.name for path in (often / "checkpoints" / "adaptation").glob("*.ckpt")} == {"step=2.ckpt", "step=4.ckpt"}
    assert (often / "checkpoints" / "adaptation" / "best" / best["file"]).is_file()

    # Without a suite that is named, the same rows later; elsewhere than that, nothing is built.
    output = run("evaluate", tmp_path / "other", tmp_path / "evaluated", f"checkpoint={often}")
    assert "evaluated on its held-out rows" in output and not list((tmp_path / "other").glob("emoji*"))
    again = json.loads((only(tmp_path / "evaluated" / "evaluate") / "metrics.json").read_text())
    assert again.pop("score_is") == metrics.pop("score_is") and again == pytest.approx(metrics, abs=1e-6)

    run("train", data, tmp_path / "never", *arguments, "validation.every_n_steps=0", "evaluate=false")
    never = only(tmp_path / "never" / "train")
    assert keys_by_step(never) == keys_by_step(often)
    one, other = (torch.load(folder / "checkpoints" / "adaptation" / "step=4.ckpt", weights_only=True) for folder in (often, never))
    torch.testing.assert_close(one["state_dict"], other["state_dict"], rtol=0, atol=0)

    weights = load_file(often / "encoder" / "model.safetensors")
    output = run("train", data, tmp_path / "often", f"resume={often}@2", code=1)
    assert "resume must be a run that is not finished" in output and "Traceback" not in output
    (often / "finished").unlink()
    output = run("train", data, tmp_path / "often", f"resume={often}@2")
    assert "goes back to step 2 of adaptation; set aside as <name>.set_aside: checkpoints/adaptation/step=4.ckpt" in output
    assert "resumed from step=2.ckpt" in output and (often / "finished").exists()
    torch.testing.assert_close(load_file(often / "encoder" / "model.safetensors"), weights, rtol=0, atol=0)
