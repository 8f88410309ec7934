"""A plan as a user asks for it."""

import subprocess
import sys

import pytest

from tests.commands import ROOT, environment
from tests.composed import composed
from unite.build.plan import build_plans
from unite.errors import CheckpointError, ConfigError


def test_the_paper_s_second_stage_on_eight_cards(tmp_path):
    ask = ["+experiment=paper_stage2", "encoder=qwen2_vl_7b", "plan.device=h100", "plan.devices=8"]
    command = [sys.executable, "-m", "unite.plan", *ask]
    env = environment() | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=300, env=env)
    assert done.returncode == 0, done.stderr
    assert "the published shape of Qwen/Qwen2-VL-7B-Instruct" in done.stdout and "7.75 G" in done.stdout and "hours" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_stages_of_the_built_in_run():
    plans, told = build_plans(composed("train"))
    assert [plan.name for plan in plans] == ["alignment", "adaptation"] and told == "a random qwen3_vl, 8 x h100"
    assert [plan.steps for plan in plans] == [300, 2000]


@pytest.mark.parametrize(
    ("overrides", "error", "message"),
    [
        (["plan.device=tpu"], ConfigError, "plan.device must be one of"),
        (["plan.devices=5"], ConfigError, r"data.batch_size must be a multiple of plan.devices \(5\), but is 32"),
        (["plan.utilisation=0"], ConfigError, "plan.utilisation must be above 0"),
        (["plan.memory_gb=-1"], ConfigError, "plan.memory_gb must be a number above 0"),
        (["plan.devices=0"], ConfigError, "plan.devices must be at least 1"),
        (["encoder=qwen2_vl_2b", "encoder.path=no/such"], CheckpointError, "encoder.path must be a checkpoint on this machine, or one of"),
        (["trainer.max_steps=0", "alignment=none"], ConfigError, "trainer.max_steps must be above 0 for some stage"),
        (["optimizer._target_=my.own.Optimizer"], ConfigError, "adaptation.optimizer must be one of adafactor"),
    ],
)
def test_what_cannot_be_planned_is_refused(overrides, error, message):
    with pytest.raises(error, match=message):
        build_plans(composed("train", *overrides))
