"""A choice that a group does not have."""

import subprocess
import sys

import pytest
from hydra.errors import MissingConfigException

from tests.commands import ROOT, environment
from tests.composed import composed


@pytest.mark.parametrize(
    ("command", "override", "message"),
    [
        ("train", "suite=null", r"suite must be one of carebench, .*, webvid_covr, but is 'null'. To train without .*: evaluate=false.$"),
        ("evaluate", "suite=null", r"suite must be one of carebench, .*, webvid_covr, but is 'null'.$"),
        ("train", "objective=null", r"objective must be one of infonce, mamcl, matryoshka, weighted, but is 'null'.$"),
        (
            "train",
            "validation=null",
            "validation must be one of held_out, none, suite, but is 'null'. To validate on nothing: validation=none",
        ),
        ("train", "alignment=null", "To leave the stage out: alignment=none"),
        ("train", "logger=null", "To log nothing: logger.csv=false logger.wandb=disabled"),
        ("train", "mixture=3", "mixture must be one of .*, but is 3"),
        ("train", "mixture=[tt,tj]", "mixture must be one of .*, but is 'tj'"),
        ("train", "objective=mamll", r"but is 'mamll'. Options of your own: objective/ in conf/ of .* Did you mean 'mamcl'\?"),
        ("train", "+experiment=stage3", "experiment must be one of fairness, paper_stage1, .*, but is 'stage3'"),
        ("curate", "+recipe@recipes.x=null", "recipe must be one of coco, .*, but is 'null'"),
        ("curate", "+step@steps.x=text_lengh", r"Did you mean 'text_length'\?"),
    ],
)
def test_it_is_told_with_the_good_ones(command, override, message):
    with pytest.raises(MissingConfigException, match=rf"^ConfigError: .*{message}"):
        composed(command, override)


def test_what_is_no_choice_of_a_group_passes():
    config = composed("train", "~suite", "+experiment=stage2_mamcl", "data={batch_size: 16}", "hydra/job_logging=disabled")
    assert config.suite is None and config.data.batch_size == 16


@pytest.mark.parametrize("arguments", [["suite=null"], ["--help", "objective=null"]])
def test_a_command_shows_no_traceback(tmp_path, arguments):
    command = [sys.executable, "-m", "unite.train", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment() | {"PYTHONPATH": str(ROOT)})
    assert done.returncode == 1 and "must be one of" in done.stderr + done.stdout and "Traceback" not in done.stderr + done.stdout
