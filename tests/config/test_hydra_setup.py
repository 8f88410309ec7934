"""Options of a user's own, and where ours are found."""

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
