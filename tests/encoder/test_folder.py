"""What a checkpoint's folder is: UNITE's released ones, and those that are not whole or not what they say."""

import json
import shutil

import pytest
import torch
from transformers import AutoModel

from tests.encoder.families.material import encoder_of
from tests.encoder.saved import assert_equal, copy_of, embeddings_of, expected_of, whole_model, with_json
from unite.config.schema import Positions
from unite.encoder.folder import parts_of
from unite.errors import CheckpointError, ConfigError


def released(folder, target):
    """Writes a folder as UNITE's authors released theirs: a flat config of transformers 4, its names, its processor files."""
    copy_of(folder, target)
    config = json.loads((folder / "config.json").read_text())
    text = config.pop("text_config")
    sections = text.pop("rope_parameters")["mrope_section"]
    vision = {name: value for name, value in config["vision_config"].items() if name != "rope_parameters"}
    own = {
        "architectures": ["UniteQwen2VL"],
        "auto_map": {"AutoConfig": "modeling_unite.UniteQwen2VLConfig", "AutoModel": "modeling_unite.UniteQwen2VL"},
        "model_type": "unite_qwen2_vl",
        "rope_theta": 10_000.0,
        "rope_scaling": {"type": "mrope", "mrope_section": sections},
        "torch_dtype": "bfloat16",
        "transformers_version": "4.49.0",
        "vision_config": vision | {"model_type": "qwen2_vl", "in_chans": 3},
    }
    (target / "config.json").write_text(json.dumps(text | config | own))
    processor = json.loads((target / "processor_config.json").read_text())
    sizes = {"min_pixels": 28 * 28, "max_pixels": 112 * 112, "size": {"min_pixels": 28 * 28, "max_pixels": 112 * 112}}
    pictures = processor["image_processor"] | sizes | {"processor_class": "Qwen2VLProcessor"}
    (target / "preprocessor_config.json").write_text(json.dumps(pictures))
    (target / "processor_config.json").unlink()
    return target


def test_unites_released_folders_load_with_their_positions(qwen2, tmp_path, caplog):
    caplog.set_level("INFO", "unite.encoder.checkpoint")
    folder = released(qwen2, tmp_path / "Unite-Base")
    expected = expected_of(qwen2, whole_model(qwen2).model, sequential=True)
    assert_equal(embeddings_of(folder), expected)
    assert "was trained with settings of its own: positions=sequential" in caplog.text
    assert (expected - expected_of(qwen2, whole_model(qwen2).model)).abs().max() > 1e-3
    encoder = encoder_of(folder)
    encoder.save(tmp_path / "export")  # as what it is, a Qwen2-VL; the settings keep the positions
    assert encoder_of(tmp_path / "export").config.positions is Positions.sequential
    plain = AutoModel.from_pretrained(tmp_path / "export").state_dict()
    assert all(torch.equal(plain[name], weight) for name, weight in encoder.model.state_dict().items())


def test_the_base_of_an_adapter(qwen2, tmp_path):
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    for named, message in [
        (None, "base_model_name_or_path of the adapter .* must be named, but is None. Name the folder of the base by encoder.base="),
        ("/home/them/qwen", "the base of the adapter .* must be a checkpoint that is here .* but is '/home/them/qwen'. .*encoder.base="),
        ("them/qwen", "must be a checkpoint that is here or in the local cache .* but is 'them/qwen'"),
    ]:
        (adapter / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "base_model_name_or_path": named}))
        with pytest.raises(CheckpointError, match=message):
            parts_of(str(adapter))
        assert parts_of(str(adapter), str(qwen2)).weights == str(qwen2)
    copy_of(qwen2, tmp_path / "base")
    (adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "../base"}))
    assert parts_of(str(adapter)).weights == str(adapter / ".." / "base")
    with pytest.raises(
        CheckpointError, match="base of the adapter must be one that can be loaded, but is .*Give a folder with config.json"
    ):
        parts_of(str(adapter), str(tmp_path / "nowhere"))
    with pytest.raises(ConfigError, match=r"encoder.base must be null, since .*qwen2_vl is no adapter \(it has no adapter_config.json\)"):
        parts_of(str(qwen2), str(qwen2))
    (tmp_path / "base" / "model.safetensors").unlink()
    (tmp_path / "base" / "model.safetensors.index.json").write_text('{"weight_map": {"a": "model-00001-of-00001.safetensors"}}')
    with pytest.raises(CheckpointError, match="the base of the adapter must be a whole checkpoint, .* without 1 of its 1 files of weights"):
        parts_of(str(adapter))
    shutil.copy(adapter / "adapter_config.json", tmp_path / "base")
    with pytest.raises(CheckpointError, match="the base of the adapter must be a model without an adapter of its own, .*Merge"):
        parts_of(str(adapter))


def test_a_model_with_an_adapter_beside_it_on_the_hub(qwen2, tmp_path, monkeypatch):
    copy_of(qwen2, tmp_path)
    (tmp_path / "adapter_config.json").write_text("{}")
    monkeypatch.setattr("unite.encoder.folder.cached_file", lambda path, name: str(tmp_path / name))
    with pytest.raises(CheckpointError, match="the checkpoint must be a folder, .* but is 'them/both'. Download it, and give its folder"):
        parts_of("them/both")


def test_a_config_that_is_none(qwen2, tmp_path):
    folder = copy_of(qwen2, tmp_path / "other")
    with pytest.raises(CheckpointError, match=r"must be one that can be loaded, .*\(its config.json names no model_type\)"):
        parts_of(str(with_json(folder, "config.json", model_type=None)))
    copy_of(qwen2, folder)
    with pytest.raises(CheckpointError, match="the checkpoint must be one that can be loaded, .*image_token_id"):
        parts_of(str(with_json(folder, "config.json", image_token_id="many")))


def test_a_processor_of_another_model(qwen2, tmp_path):
    other = copy_of(qwen2, tmp_path / "other")
    told = json.loads((other / "processor_config.json").read_text())
    for part in ("image_processor", "video_processor"):
        with_json(other, "processor_config.json", **told | {part: told[part] | {"patch_size": 16}})
        message = f"the checkpoint's {part} must be that of the weights, .*'patch_size': 14.* but is .*'patch_size': 16.*another model's"
        with pytest.raises(CheckpointError, match=message):
            encoder_of(other)
    other = with_json(released(qwen2, tmp_path / "released"), "tokenizer_config.json", processor_class=None)
    (other / "preprocessor_config.json").unlink()
    with pytest.raises(CheckpointError, match="the processor of .*released must be whole, but is 'a Qwen2Tokenizer alone'. Copy the"):
        encoder_of(other)


def test_a_tokenizer_without_the_special_tokens(qwen2, tmp_path):
    other = copy_of(qwen2, tmp_path / "other")
    text = (other / "tokenizer.json").read_text()
    (other / "tokenizer.json").write_text(text.replace("<|im_start|>", "<|im_begin|>"))
    with pytest.raises(
        CheckpointError, match=r"must be that of the weights, with <\|im_start\|>, .* but is 'without <\|im_start\|>'. Copy"
    ):
        encoder_of(other)
    (other / "tokenizer.json").write_text(text.replace("<|image_pad|>", "<|picture|>"))
    with pytest.raises(CheckpointError, match=r"must be that of the weights, with image_token_id 298, but is"):
        encoder_of(other)


def test_a_run_folder_half_copied(qwen2, tmp_path):
    run = tmp_path / "run"
    (run / "encoder").mkdir(parents=True)
    (run / "config.yaml").write_text("seed: 0")
    encoder_of(qwen2).save(run / "encoder")
    assert embeddings_of(run / "encoder").shape == (6, 32)
    for file, message in [
        ("unite_encoder.json", "must be whole, but is 'without unite_encoder.json'. Copy the run's encoder folder again"),
        ("model.safetensors", "the checkpoint must be one that can be loaded, but is .*model.safetensors"),
        ("processor_config.json", "the checkpoint must be one that can be loaded, but is .*Can't load image processor"),
        ("tokenizer.json", r"the tokenizer of .* must be complete, but is 'of \d+ tokens'"),
        ("config.json", "the checkpoint must be one that can be loaded, but is .*config.json"),
    ]:
        half = copy_of(run, tmp_path / file)
        (half / "encoder" / file).unlink()
        with pytest.raises(CheckpointError, match=message):
            encoder_of(half / "encoder")


def test_a_base_of_another_kind_than_the_adapter_names(qwen2, tmp_path):
    for name, model_type in (("named", "qwen3_vl"), ("alike", "unite_qwen2_vl")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(json.dumps({"model_type": model_type}))
    adapter = tmp_path / "adapter_config.json"
    adapter.write_text(json.dumps({"base_model_name_or_path": str(tmp_path / "named")}))
    message = "encoder.base must be a qwen3_vl as .*named, which the adapter .* was trained on, but is '.*qwen2_vl, a qwen2_vl'. Leave"
    with pytest.raises(CheckpointError, match=message):
        parts_of(str(tmp_path), str(qwen2))
    adapter.write_text(json.dumps({"base_model_name_or_path": str(tmp_path / "alike")}))
    assert parts_of(str(tmp_path), str(qwen2)).weights == str(qwen2)
