"""Weights under the names that others saved them by, against the plain model, and those that do not fit."""

import json
import shutil

import pytest
import torch
from transformers import AutoModel, AutoProcessor

from tests.encoder.families.material import encoder_of, plain_model
from tests.encoder.saved import assert_equal, copy_of, embeddings_of, expected_of, whole_model, with_json, with_weights
from unite.errors import CheckpointError


def bare(name):
    """Returns a name as AutoModel's model has it."""
    name = name if name.startswith(("visual.", "lm_head.")) else name.removeprefix("model.")
    return name if name.startswith(("visual.", "lm_head.", "language_model.")) else f"language_model.{name}"


@pytest.mark.parametrize(
    "saved",
    [
        lambda name: name,
        lambda name: f"model.{name}",
        lambda name: f"base_model.model.model.{name}",
        lambda name: f"base_model.model.{name}",
        lambda name: name.replace("language_model.", "model."),
        lambda name: "base_model.model." + name.replace("language_model.", "model."),
    ],
)
def test_whatever_stands_before_the_names(folder, tmp_path, saved):
    def renamed(weights):
        by_name = {bare(name.replace("model.visual", "visual")): weight for name, weight in weights.items()}
        return {name if name.startswith("lm_head") else saved(name): weight for name, weight in by_name.items()}

    plain = plain_model(folder).state_dict()
    other = with_weights(copy_of(folder, tmp_path / "other"), renamed)
    encoder = encoder_of(other)
    assert all(torch.equal(plain[name], weight) for name, weight in encoder.model.state_dict().items())
    encoder.save(tmp_path / "export")
    again = AutoModel.from_pretrained(tmp_path / "export").state_dict()
    assert again.keys() == plain.keys() and all(torch.equal(plain[name], weight) for name, weight in again.items())


def test_shards_and_a_head(folder, tmp_path, caplog):
    caplog.set_level("INFO", "unite.encoder")
    model = whole_model(folder)
    model.save_pretrained(tmp_path / "shards", max_shard_size="30KB")
    AutoProcessor.from_pretrained(folder).save_pretrained(tmp_path / "shards")
    assert len(list((tmp_path / "shards").glob("model-*.safetensors"))) > 2
    assert_equal(embeddings_of(tmp_path / "shards"), expected_of(folder, model.model))
    assert "shards does not say how it was prompted: its contents are laid out by prompt=unite. What it was" in caplog.text
    assert "the head of" in caplog.text and "is left out: lm_head.weight" in caplog.text
    next((tmp_path / "shards").glob("model-00002*")).unlink()
    with pytest.raises(CheckpointError, match=r"the checkpoint must be a whole checkpoint, but is .*shards, without 1 of .*model-00002"):
        encoder_of(tmp_path / "shards")


def test_a_weight_without_a_place_is_named(qwen2, tmp_path):
    extra = {"score.weight": torch.zeros(1), "model.layers.7.mlp.up_proj.weight": torch.zeros(1)}
    other = with_weights(copy_of(qwen2, tmp_path / "other"), lambda weights: weights | extra)
    message = r"must be that of its config.json, but is 'with 2 weights that the model has no place for, language_model.layers.7.mlp"
    with pytest.raises(CheckpointError, match=message):
        encoder_of(other)


def test_an_architecture_of_another_size_or_kind(qwen2, tiny_folder, tmp_path):
    config = json.loads((qwen2 / "config.json").read_text())
    wider = with_json(copy_of(qwen2, tmp_path / "wider"), "config.json", text_config=config["text_config"] | {"intermediate_size": 64})
    with pytest.raises(CheckpointError, match=r"with 9 weights of another shape, .*mlp.down_proj.weight, \(32, 48\) instead of \(32, 64\)"):
        encoder_of(wider)
    deeper = with_json(
        copy_of(qwen2, tmp_path / "deeper"),
        "config.json",
        text_config=config["text_config"] | {"num_hidden_layers": 4, "layer_types": ["full_attention"] * 4},
    )
    with pytest.raises(CheckpointError, match=r"must be complete, but is 'without 12 of its weights, language_model.layers.3"):
        encoder_of(deeper)
    other = copy_of(qwen2, tmp_path / "other")
    shutil.copy(tiny_folder / "model.safetensors", other)  # Qwen3-VL's
    with pytest.raises(CheckpointError, match=r"'without \d+ of its weights, .*; with \d+ weights that the model has no place for"):
        encoder_of(other)
