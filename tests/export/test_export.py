"""`python -m unite.export` as a user runs it."""

import logging
import subprocess
import sys

import pytest
from huggingface_hub.errors import OfflineModeIsEnabled
from hydra.errors import ConfigCompositionException

from tests.commands import environment
from tests.composed import composed
from tests.encoder.checkpoints import save_family
from tests.export.finished_runs import some_suite, write_finished_run
from tests.export.material import finished_run
from unite.build.early import check_export
from unite.build.export import export
from unite.embedding import Embedder
from unite.errors import CheckpointError, CollectedError


@pytest.fixture(scope="module")
def run(tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    stage = {"max_steps": 1, "objective": {"dims": [32, 16]}}
    return finished_run(save_family("qwen3_vl", folder, tokenizer), folder / "monday", adaptation=stage)


class Hub:
    """Says what is there when it is asked to upload."""

    def __init__(self):
        self.made, self.files = None, None

    def create_repo(self, repo_id, *, private, exist_ok):
        self.made = (repo_id, private)

    def upload_folder(self, *, folder_path, **_):
        self.files = {path.name for path in folder_path.iterdir()}


def test_the_command_writes_the_folder_and_says_how_to_load_it(run, tmp_path):
    command = [sys.executable, "-m", "unite.export", f"run={run}", "out=mine", "dtype=bfloat16"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=300, env=environment())
    assert done.returncode == 0, done.stderr
    assert "weights in bfloat16" in done.stdout and "of 32 numbers, to be cut to 16 (truncate_dim); prompt unite" in done.stdout
    assert "rounding to bfloat16 moved no number of an embedding by more than 0.0" in done.stdout
    assert "model.safetensors" in done.stdout and "model = SentenceTransformer('mine')" in done.stdout
    assert Embedder(tmp_path / "mine").dim == 32
    assert not [path for path in (tmp_path / "mine").rglob("*") if path.suffix in (".py", ".log", ".bin", ".pkl")]


def test_what_is_wrong_is_told_at_once_without_a_traceback(run, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    command = [sys.executable, "-m", "unite.export", "run=nothing", "out=mine", "push_to_hub=mine"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=300, env=environment())
    assert done.returncode == 1 and "Traceback" not in done.stderr + done.stdout
    told = done.stdout + done.stderr
    assert "run must be a run folder" in told and "out must be a new or empty folder" in told and "push_to_hub must be owner/name" in told
    assert not (tmp_path / "runs").exists()


def test_every_fault_of_the_config_is_told(tmp_path):
    with pytest.raises(
        CollectedError, match=r"(?s)an option must be one of .* but is 'outt'.*run must be a run.*push_to_hub must be owner/name"
    ):
        check_export(composed("export", f"run={tmp_path}/no", f"out={tmp_path}/out", "+outt=q", "push_to_hub=a/b/c"))


def test_an_unknown_type_is_refused_with_those_there_are():
    with pytest.raises(ConfigCompositionException) as error:
        composed("export", "run=x", "out=y", "dtype=int8")
    assert "'int8'" in str(error.value.__cause__) and "[float32, bfloat16, float16]" in str(error.value.__cause__)


@pytest.fixture(scope="module")
def recorded(run, tmp_path_factory):
    """A run with the record that a card is made of."""
    return write_finished_run(tmp_path_factory.mktemp("runs") / "first", run / "encoder", some_suite())


def test_what_is_asked_for_is_pushed_whole_and_private_with_a_card_of_its_name_there(recorded, tmp_path):
    hub = Hub()
    lines = export(composed("export", f"run={recorded}", f"out={tmp_path}/mine", "push_to_hub=me/mine", "licence=mit"), hub)
    assert hub.made == ("me/mine", True) and lines[-1] == "It is at https://huggingface.co/me/mine too."
    assert hub.files >= {"model.safetensors", "modules.json", "chat_template.jinja", "unite_encoder.json"}
    assert hub.files >= {"README.md", "training_curves.png"}
    card = (tmp_path / "mine" / "README.md").read_text()
    assert "license: mit" in card and 'SentenceTransformer("me/mine")' in card and str(tmp_path) not in card


def test_nothing_is_pushed_that_was_not_asked_for_and_the_card_names_the_folder(recorded, tmp_path, caplog):
    hub = Hub()
    caplog.set_level(logging.INFO, "unite.encoder")
    told = export(composed("export", f"run={recorded}", f"out={tmp_path}/here"), hub)
    assert (hub.made, hub.files) == (None, None)
    assert any("README.md is the model card" in line for line in told)
    assert caplog.messages == []  # of how the new folder was tried
    assert 'SentenceTransformer("here")' in (tmp_path / "here" / "README.md").read_text()


def test_a_run_whose_record_is_not_whole_is_exported_without_a_card(run, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        export(composed("export", f"run={run}", f"out={tmp_path}/without"))
    assert not (tmp_path / "without" / "README.md").exists() and (tmp_path / "without" / "model.safetensors").is_file()
    assert "no model card is written: " in caplog.text and "provenance.json cannot be read" in caplog.text


def test_a_hub_that_cannot_be_reached_leaves_the_folder(run, tmp_path):
    class Offline(Hub):
        def create_repo(self, *_, **__):
            raise OfflineModeIsEnabled("offline")

    with pytest.raises(CheckpointError, match="nothing was pushed to me/mine"):
        export(composed("export", f"run={run}", f"out={tmp_path}/out", "push_to_hub=me/mine"), Offline())
    assert (tmp_path / "out" / "model.safetensors").is_file()
