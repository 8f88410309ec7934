"""Sweeps as a user runs them, killed at any moment; and what a sweep says before it begins, with jobs that only pretend to run.

`launcher.py` is tested by way of them.
"""

import os
import signal
import subprocess
import time
from collections import Counter

import pytest
import torch
from safetensors.torch import load_file

from tests.commands import ROOT, SMALL, command, environment, only, run
from tests.composed import composed
from unite.build.check import Checks
from unite.errors import ConfigError
from unite.sweeps.record import Sweep

CHECK = Checks.__call__  # which `sweep` replaces
TINY = [*SMALL, "+experiment=stage2_mamcl", "alignment.max_steps=2", "trainer.max_steps=6", "evaluate=false"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


def until(condition, process, seconds=200):
    deadline = time.monotonic() + seconds
    while not condition() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)


def test_a_sweep_of_which_a_job_and_then_the_launcher_are_killed_ends_as_if_nothing_had_been(data, tmp_path):
    """Its jobs share the alignment, and end with the weights of a single run that trains it for itself."""
    line = command("train", data, tmp_path / "runs", "-m", *TINY, "mixture=tt,ti", "sweep.num_parallel=2")
    first = subprocess.Popen(line, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    runs = tmp_path / "runs" / "stage2_mamcl"
    until(lambda: list(runs.glob("sweep_*/mixture-tt/checkpoints/adaptation/*.ckpt")), first)
    folder = only(runs)
    killed, other = folder / "mixture-tt", folder / "mixture-ti"
    os.kill(int((killed / "lock").read_text().split()[1]), signal.SIGKILL)
    said = ""
    while "failed: mixture-tt, SIGKILL" not in said and (line := first.stdout.readline()):
        said += line
    assert "failed: mixture-tt, SIGKILL, as when memory runs out" in said  # and the other goes on
    assert "GPU available" not in said and "Tip" not in said  # as Lightning says of each job that is checked
    first.kill()
    first.wait()

    output = run("train", data, tmp_path / "runs", "-m", "+experiment=stage2_mamcl", "resume=true")  # the rest is remembered
    assert "2 of 2 jobs finished" in output and only(runs) == folder and not (folder / "shared").exists()
    assert sum("which is the same in all that matters" in (job / "output.txt").read_text() for job in (killed, other)) == 1
    for job in (killed, other):  # of the alignment nothing is left
        assert [path.name for path in (job / "checkpoints").rglob("*") if path.is_file()] == ["step=6.ckpt"]

    run("train", data, tmp_path / "alone", *TINY, "mixture=tt")
    alone = only(tmp_path / "alone" / "stage2_mamcl")
    torch.testing.assert_close(
        load_file(killed / "encoder" / "model.safetensors"), load_file(alone / "encoder" / "model.safetensors"), rtol=0, atol=0
    )


def test_everything_wrong_with_any_job_is_told_before_the_first_starts(sweep, tmp_path, monkeypatch):
    status, said = sweep("mixture=tt,tx", "objective.temprature=1,2", "seed=3")
    assert status == 1 and "ConfigError: 4 of the 4 jobs cannot run, so none was started." in said
    assert (
        "mixture=tt objective.temprature=1: Could not override 'objective.temprature'" in said
        and "Key 'temprature' not in 'MAMCLConfig'" in said
    )
    assert "mixture=tx objective.temprature=1, mixture=tx objective.temprature=2: mixture must be one of fine_video" in said

    def refuse(*given):
        raise ConfigError("seed must be another.")

    monkeypatch.setattr("unite.build.check.Checks.__call__", refuse)
    status, said = sweep("seed=0,1")
    assert status == 1 and said.endswith("2 of the 2 jobs cannot run, so none was started. every job: seed must be another.")
    assert not sweep.commands and not list(tmp_path.iterdir())


def test_several_faults_of_one_job_are_a_line_each_with_the_jobs_that_have_them(sweep, tmp_path, monkeypatch):
    monkeypatch.setattr(Checks, "__call__", CHECK)
    status, said = sweep(
        "mixture=tt", "alignment=none", "data.batch_size=32,30", "mixture.run_length=4,0", "seed=-1", "trainer.strategy=ddp"
    )
    assert status == 1 and "ConfigError: 4 of the 4 jobs cannot run, so none was started." in said
    lines = {
        "every job": ("seed must be from 0 to", "trainer.strategy must be one of auto, sharded, unite, but is 'ddp'"),
        "data.batch_size=30 mixture.run_length=4": ("data.batch_size must be a multiple of mixture.run_length (4), but is 30",),
        "data.batch_size=32 mixture.run_length=0, data.batch_size=30 mixture.run_length=0": ("mixture.run_length must be at least 1",),
    }
    for jobs, faults in lines.items():
        for fault in faults:
            assert f"{jobs}: {fault}" in said and said.count(fault) == 1
    assert "things are to be mended" not in said and not sweep.commands and not list(tmp_path.iterdir())


def test_a_failed_job_is_told_and_alone_runs_again(sweep, tmp_path):
    status, said = sweep("seed=0,1,2", "mixture=tt", failing=["seed-1"])
    assert status == 1 and "2 of 3 jobs finished" in said
    assert "1 seed=1 failed: SIGKILL, as when memory runs out - seed-1" in said and "2 seed=2 finished 0.5000 seed-2" in said
    assert "1 of 3 jobs are left (1 failed). To go on: python -m" in said and said.endswith("seed=0,1,2 mixture=tt resume=true")
    assert "seed=1" in sweep.commands[1] and "hydra.mode=RUN" in sweep.commands[1] and "resume=true" not in sweep.commands[1]
    folder = only(tmp_path / "train")
    status, said = sweep("resume=true")  # what was typed first is remembered
    assert status == 0 and "begun with: seed=0,1,2 mixture=tt" in said and "2 are finished and passed over; 1 jobs run" in said
    (job,) = sweep.commands
    assert "seed=1" in job and "mixture=tt" in job and "resume=true" in job
    status, said = sweep("resume=true")
    assert status == 0 and "3 of 3 jobs finished" in said and not sweep.commands
    assert only(tmp_path / "train") == folder


def test_two_sweeps_of_one_name_are_two_and_the_newer_is_resumed(sweep, tmp_path):
    _, said = sweep("seed=0,1", "resume=true")
    assert "there is no sweep in" in said and "to resume: a new one begins" in said
    old = only(tmp_path / "train")
    old.rename(old.with_name("sweep_2020-01-01_00-00-00_aaaa"))
    sweep("seed=5,6")
    assert len(list((tmp_path / "train").iterdir())) == 2
    _, said = sweep("resume=true")
    assert "begun with: seed=5,6" in said


def test_a_sweep_goes_on_as_a_whole(sweep, tmp_path):
    (tmp_path / "mine" / "checkpoints").mkdir(parents=True)
    status, said = sweep("seed=0,1", f"resume={tmp_path / 'mine'}")
    assert status == 1 and "resume of a sweep must be true or false, but is " in said and "goes on alone without -m" in said


def test_a_sweep_whose_config_changed_is_not_resumed(sweep, tmp_path):
    sweep("seed=0,1", "objective.temperature=0.05")
    record = (only(tmp_path / "train") / "sweep.json").read_text()
    status, said = sweep("seed=0,1", "objective.temperature=0.5", "resume=true")
    assert status == 1 and "objective.temperature was 0.05 and is 0.5 (all jobs)" in said and not sweep.commands
    status, said = sweep("seed=0,1,2", "resume=true")
    assert status == 1 and "'with seed-2'" in said and not sweep.commands
    assert (only(tmp_path / "train") / "sweep.json").read_text() == record
    status, said = sweep("sweep.num_parallel=3", "sweep.keep=none", "logger=csv", "resume=true")  # how it runs may change
    assert status == 0 and "no checkpoint stays" in said


@pytest.mark.parametrize(
    ("name", "given", "names"),
    [
        (
            "mixtures",
            "seed=0",
            ["mixture-tt", "mixture-ti", "mixture-tv", "mixture-tt_ti", "mixture-tt_tv", "mixture-ti_tv", "mixture-tt_ti_tv"],
        ),
        ("objectives", "objective=weighted", ["seed-0", "seed-1", "seed-2"]),
    ],
)
def test_the_ablations_are_sweeps_of_as_many_samples(sweep, tmp_path, name, given, names):
    assert sweep(f"+experiment=ablation/{name}", given, "data.batch_size=20", "sweep.report=false")[0] == 0
    jobs = Sweep.read(only(tmp_path / f"ablation_{name}")).jobs
    assert [job.folder for job in jobs] == names
    assert {(job.config["adaptation.max_steps"], job.config["suite.name"]) for job in jobs} == {(3200, "emoji_hard")}


def test_the_weights_of_the_ablation_make_all_modalities_of_the_mixture_count_the_same():
    config = composed("train", "mixture=instruction", "objective=weighted")
    counts = Counter()
    for name, source in config.mixture.sources.items():
        modality = "+".join(sorted(source.positive.split("+"), key=["text", "image", "video"].index))
        counts[modality] += config.mixture.shares[name] * config.objective.modality_weights[modality]
    assert max(counts.values()) == pytest.approx(min(counts.values()), rel=1e-3) and len(counts) == 4
    assert sum(counts.values()) == pytest.approx(sum(config.mixture.shares.values()), rel=1e-3)


def test_a_report_that_cannot_be_made_loses_nothing(sweep):
    status, said = sweep("seed=0,1", "sweep.report=true")
    assert status == 0 and "There is no report: " in said
