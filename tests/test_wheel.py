"""The package as `pip install .` installs it, in an empty folder: a checkout has more beside it than a wheel brings along."""

import json
import subprocess
import sys
import zipfile

import pytest
import yaml

from tests.commands import ROOT, SMALL, environment, only


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], check=True, cwd=ROOT, timeout=200)
    return only(folder)


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(folder)]
    subprocess.run([*pip, str(wheel)], check=True, timeout=200)
    return folder


def test_nothing_but_the_package_is_installed_and_all_of_it(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"unite"}
    ours = {str(path.relative_to(ROOT)) for path in (ROOT / "unite").rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    options = {f"unite/{path.relative_to(ROOT)}" for path in (ROOT / "conf").rglob("*.yaml")}
    assert ours | options == {name for name in names if ".dist-info/" not in name}
    assert "unite/py.typed" in ours


def test_the_main_job_runs_in_an_empty_folder_with_an_option_of_the_users_own(installed, tmp_path):
    experiment = tmp_path / "conf" / "experiment" / "ours.yaml"
    experiment.parent.mkdir(parents=True)
    experiment.write_text(
        "# @package _global_\ndefaults: [stage2_mamcl]\nname: ours\ntrainer: {max_steps: 20}\nalignment: {max_steps: 0}\n"
    )
    environ = environment() | {"PYTHONPATH": str(installed)}
    command = [sys.executable, "-m", "unite.train", "+experiment=ours", *SMALL, "trainer.checkpoint_every_n_steps=20"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=300, env=environ)
    assert done.returncode == 0, done.stdout + done.stderr
    run = only(tmp_path / "runs" / "ours")
    assert len((run / "samples-rank0.jsonl").read_text().splitlines()) == 20 and (run / "finished").is_file()
    assert "emoji/mean/recall@1" in json.loads((run / "metrics.json").read_text())
    sources = yaml.safe_load((run / "hydra" / "hydra.yaml").read_text())["hydra"]["runtime"]["config_sources"]
    folders = [source["path"] for source in sources if source["schema"] == "file"]
    assert folders == [str(installed / "unite" / "conf"), str(tmp_path / "conf")]
