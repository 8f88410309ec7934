"""Options of a user's own, and where ours are found."""

import re
import subprocess
import sys

import pytest
from hydra.errors import MissingConfigException

from tests.composed import composed


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Writes an option into `conf/` of the working folder."""
    monkeypatch.chdir(tmp_path)

    def write(name, text):
        path = tmp_path / "conf" / name
        path.parent.mkdir(parents=True)
        path.write_text(text)

    return write


def test_an_option_of_the_working_folder_is_one_more(own):
    own("objective/colder.yaml", "defaults: [mamcl, _self_]\ntemperature: 0.01\n")
    assert composed("train", "objective=colder").adaptation.objective.temperature == 0.01
    assert composed("train", "objective=mamcl").adaptation.objective.temperature != 0.01


def test_an_option_of_our_name_stays_ours(own):
    ours = composed("train")
    own("objective/mamcl.yaml", "defaults: [mamcl_schema, _self_]\ntemperature: 0.01\n")
    assert composed("train").adaptation == ours.adaptation


def test_a_conf_of_something_else_does_no_harm(own):
    own("train.yaml", "gadget: 1\n")
    assert "gadget" not in composed("train")
    with pytest.raises(
        MissingConfigException,
        match="objective must be one of infonce, mamcl, matryoshka, weighted, but is 'colder'. Options of your own: objective/ in conf/",
    ):
        composed("train", "objective=colder")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("submitit_slurm", "but is 'submitit_slurm'. Install it: pip install hydra-submitit-launcher; see docs/sweeps.md."),
        ("proceses", "one of basic, processes, but is 'proceses'. Did you mean 'processes'?"),
    ],
)
def test_a_launcher_that_is_not_installed_is_told(tmp_path, name, message):
    command = [sys.executable, "-m", "unite.train", "-m", "seed=0,1", f"hydra/launcher={name}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr and not list(tmp_path.iterdir())


def test_a_value_for_a_part_of_what_is_null_is_told(tmp_path):
    command = [sys.executable, "-m", "unite.train", "seed=1", "encoder.adapter.r=4"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    message = "encoder.adapter must be there for encoder.adapter.r=4, but is 'null'. Choose first what gives it values"
    assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("command", "options", "messages"),
    [
        ("search", ["corpus=x"], ["an option must be one of browser, .*, index, .* but is 'corpus'. Here it is index=..."]),
        ("export", ["checkpoint=x", "outt=y"], ["but is 'checkpoint'. Here it is run=...", "but is 'outt'. Did you mean 'out'?"]),
        ("evaluate", ["promt=gme"], ["but is 'promt'. Did you mean 'prompt'?"]),
        (
            "train",
            ["trainer.max_stepz=3", "seed=1"],
            ["an option of trainer must be one of .* but is 'max_stepz'. Did you mean 'max_steps'?"],
        ),
    ],
)
def test_options_that_there_are_not_are_told_with_those_that_there_are(tmp_path, command, options, messages):
    done = subprocess.run([sys.executable, "-m", f"unite.{command}", *options], capture_output=True, text=True, cwd=tmp_path)
    told = done.stderr.splitlines()
    assert done.returncode == 1 and len(told) == len(messages) and not list(tmp_path.iterdir())
    for line, message in zip(told, messages, strict=True):
        assert re.fullmatch(f"ConfigError: .*{re.escape(message).replace(re.escape('.*'), '.*')}", line), line
