"""Folders that sentence-transformers saved, with what cannot be honoured: told before anything is loaded."""

import json
import subprocess
import sys

import pytest

from tests.commands import ROOT, environment
from unite.checkpoints import find_checkpoint
from unite.errors import CheckpointError, DataError
from unite.sentence_modules import sentence_folder

STATES = {"method": "forward", "method_output_name": "last_hidden_state"}


@pytest.fixture
def folder(tmp_path):
    kinds = (("", "base.modules.transformer.Transformer"), ("1_Pooling", "sentence_transformer.modules.pooling.Pooling"))
    kinds = (*kinds, ("2_Normalize", "base.modules.normalize.Normalize"))
    write(tmp_path, "modules.json", [module(kind, path) for path, kind in kinds])
    (tmp_path / "1_Pooling").mkdir()
    write(tmp_path, "1_Pooling/config.json", {"embedding_dimension": 8, "pooling_mode": "lasttoken"})
    write(tmp_path, "sentence_bert_config.json", {"transformer_task": "feature-extraction", "modality_config": {"message": STATES}})
    settings = {"model_type": "SentenceTransformer", "prompts": {"query": "Find", "document": None}, "default_prompt_name": "query"}
    write(tmp_path, "config_sentence_transformers.json", settings)
    write(tmp_path, "config.json", {})
    return tmp_path


def module(kind, path, package="sentence_transformers"):
    return {"idx": 0, "name": "0", "path": path, "type": f"{package}.{kind}"}


def write(folder, name, value):
    (folder / name).write_text(json.dumps(value))


def change(folder, name, **changes):
    write(folder, name, json.loads((folder / name).read_text()) | changes)


def test_what_can_be_honoured_is_told(folder):
    found = sentence_folder(folder)
    assert (found.transformer, found.prompts, found.default_prompt_name) == (folder, {"query": "Find", "document": ""}, "query")
    assert found.reads_messages and found.remarks == () and find_checkpoint(folder) == str(folder)
    change(folder, "sentence_bert_config.json", modality_config={"text": STATES})
    change(folder, "config_sentence_transformers.json", default_prompt_name="gone", similarity_fn_name="manhattan")
    write(folder, "modules.json", json.loads((folder / "modules.json").read_text())[:2])
    found = sentence_folder(folder)
    assert not found.reads_messages and found.default_prompt_name is None
    assert found.remarks == (
        "its vectors are not normalised: here they are of unit length",
        "it compares by manhattan distance: here vectors are compared by cosine",
    )
    for file in ("sentence_bert_config.json", "config_sentence_transformers.json"):
        (folder / file).unlink()
    assert sentence_folder(folder).prompts == {} and not sentence_folder(folder).reads_messages


def test_another_folder_a_hub_name_and_a_file_are_none_of_it(tmp_path):
    (tmp_path / "file").touch()
    assert [sentence_folder(one) for one in (tmp_path, tmp_path / "file", "Owner/model", tmp_path / "gone")] == [None] * 4


def modules(*listed):
    return lambda folder: write(folder, "modules.json", list(listed))


def options(**changes):
    return lambda folder: change(folder, "sentence_bert_config.json", **changes)


TRANSFORMER, POOLING = module("models.Transformer", ""), module("models.Pooling", "1_Pooling")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (modules(TRANSFORMER, POOLING, module("models.Dense", "2_Dense")), "Transformer, Pooling .* and Normalize, but is .*, Dense'"),
        (modules(TRANSFORMER), "with Transformer'"),
        (modules(), "with no module'"),
        (modules(module("mine.Own", "", "custom")), "sentence-transformers' own modules, but is .*custom.mine.Own.*none is run here"),
        (modules(TRANSFORMER | {"path": "../../elsewhere"}), "modules lie in it"),
        (modules(TRANSFORMER | {"path": "/etc"}), "modules lie in it"),
        (modules("Transformer"), "modules with type and path"),
        (lambda folder: change(folder, "1_Pooling/config.json", pooling_mode="mean"), "the state of the last token .*, with mean'"),
        (lambda folder: change(folder, "1_Pooling/config.json", pooling_mode=["lasttoken", "cls"]), "with lasttoken and cls'"),
        (lambda folder: write(folder, "1_Pooling/config.json", {"pooling_mode_cls_token": True}), "with cls'"),
        (lambda folder: write(folder, "1_Pooling/config.json", {}), "with mean'"),
        (options(transformer_task="any-to-any"), "gives states .*for any-to-any"),
        (options(do_lower_case=True), "false, but is 'true'. So its texts are made lower case"),
        (options(query_length=32), "null, but is '32'. So its queries are cut shorter"),
        (options(modality_config={"image": STATES | {"method": "get_image_features"}}), "last hidden states for image"),
        (
            lambda folder: change(folder, "config_sentence_transformers.json", model_type="SparseEncoder"),
            "one vector a content, .*a SparseEncoder'",
        ),
    ],
)
def test_what_cannot_be_honoured_is_refused_with_the_reason(folder, spoil, message):
    spoil(folder)
    with pytest.raises(CheckpointError, match=f"(checkpoint|of {folder}) must be .*{message}"):
        find_checkpoint(folder)


@pytest.mark.parametrize(
    "file", ["modules.json", "1_Pooling/config.json", "sentence_bert_config.json", "config_sentence_transformers.json"]
)
def test_a_broken_file_is_named(folder, file):
    (folder / file).write_text("{")
    with pytest.raises(DataError, match=f"{file} cannot be read"):
        find_checkpoint(folder)
    (folder / "modules.json").write_text("{}")
    with pytest.raises(DataError, match="modules.json must be a list of modules"):
        find_checkpoint(folder)


def test_the_command_refuses_it_before_torch_is_imported(folder):
    write(folder, "modules.json", [TRANSFORMER, POOLING, module("models.Dense", "2_Dense")])
    command = [sys.executable, "-X", "importtime", "-m", "unite.evaluate", f"checkpoint={folder}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120, env=environment())
    assert (
        done.returncode == 1
        and "Dense" in done.stdout + done.stderr
        and not [one for one in done.stderr.splitlines() if one.endswith("| torch")]
    )
