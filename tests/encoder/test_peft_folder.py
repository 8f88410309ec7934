"""Adapters that others saved, against peft's own forward pass, on every family; and those that do not fit."""

import json

import pytest
import torch
from peft import IA3Config, LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModel, AutoModelForImageTextToText, AutoProcessor

from tests.encoder.families.material import encoder_of, micro_batch, mixed, plain_model
from tests.encoder.saved import assert_equal, copy_of, embeddings_of, expected_of, whole_model, with_json
from unite.config.schema import LoRAConfig
from unite.encoder.vlm import VLMEncoder
from unite.errors import CheckpointError

#: On the language model and the vision tower, with a rank and a scale of its own for one layer by its full name.
BOTH = {
    "r": 4,
    "lora_alpha": 8,
    "target_modules": r".*(language_model\.layers.*(q_proj|down_proj)|visual\.blocks.*(qkv|fc1|up_proj|linear_fc1))",
    "rank_pattern": {"model.language_model.layers.0.self_attn.q_proj": 2},
    "alpha_pattern": {"model.language_model.layers.0.self_attn.q_proj": 32},
}


def trained(model, target, config):
    """Wraps a model, trains it as it were, and saves the adapter; returns the wrapped model."""
    torch.manual_seed(1)
    wrapped = get_peft_model(model, config).eval()
    for parameter in wrapped.parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.2)
    wrapped.save_pretrained(target)
    return wrapped


def test_an_adapter_beside_its_base(folder, tmp_path):
    wrapped = trained(whole_model(folder), tmp_path / "adapter", LoraConfig(**BOTH))
    expected = expected_of(folder, wrapped.base_model.model.model)
    assert (expected - expected_of(folder, plain_model(folder))).abs().max() > 0.05
    assert json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())["base_model_name_or_path"] == str(folder)
    encoder = encoder_of(tmp_path / "adapter")
    with torch.no_grad():
        assert_equal(encoder(micro_batch(encoder, mixed(folder)[0])), expected)
    copy_of(folder, tmp_path / "base")
    with_json(tmp_path / "adapter", "adapter_config.json", base_model_name_or_path="/gone")
    assert_equal(embeddings_of(tmp_path / "adapter", base=str(tmp_path / "base")), expected)
    # Both in one folder, where the adapter is not merged yet; and merged, in shards.
    copy_of(tmp_path / "adapter", tmp_path / "base")
    assert_equal(embeddings_of(tmp_path / "base"), expected)
    wrapped.merge_and_unload().save_pretrained(tmp_path / "merged", max_shard_size="30KB")
    AutoProcessor.from_pretrained(folder).save_pretrained(tmp_path / "merged")
    assert_equal(embeddings_of(tmp_path / "merged"), expected)


def as_before(name):
    """Returns the name of a weight of an adapter as it was before transformers 4.52."""
    return name.replace("model.model.language_model.", "model.model.").replace("model.model.visual.", "model.visual.")


@pytest.mark.parametrize(
    ("body", "renamed", "options"),
    [
        (False, as_before, {"target_modules": ["q_proj", "up_proj"], "use_rslora": True}),
        (True, str, {"target_modules": ["q_proj", "up_proj"], "use_dora": True, "task_type": "FEATURE_EXTRACTION"}),
        (False, str, {"target_modules": ["q_proj", "lm_head"], "modules_to_save": ["embed_tokens"]}),
        (
            False,
            str,
            {
                "target_modules": ["q_proj", "down_proj"],
                "modules_to_save": ["lm_head"],
                "layers_to_transform": [1],
                "layers_pattern": "layers",
            },
        ),
        (False, str, {"target_modules": ["q_proj", "v_proj"], "bias": "lora_only"}),
    ],
)
def test_adapters_of_other_kinds(qwen2, tmp_path, body, renamed, options):
    wrapped = trained(plain_model(qwen2) if body else whole_model(qwen2), tmp_path, LoraConfig(r=4, **options))
    file = tmp_path / "adapter_model.safetensors"
    save_file({renamed(name): weight for name, weight in load_file(file).items()}, file)
    expected = expected_of(qwen2, wrapped.base_model.model if body else wrapped.base_model.model.model)
    assert (expected - expected_of(qwen2, plain_model(qwen2))).abs().max() > 0.01
    assert_equal(embeddings_of(tmp_path, base=str(qwen2)), expected)


def test_the_part_of_a_head_is_left_out_and_told(qwen2, tmp_path, caplog):
    caplog.set_level("INFO", "unite.encoder.peft_folder")
    trained(whole_model(qwen2), tmp_path, LoraConfig(r=2, target_modules=["q_proj", "lm_head"]))
    encoder_of(tmp_path)
    assert "the part of the head is left out: lm_head.lora_A.weight, lm_head.lora_B.weight" in caplog.text
    assert f"the adapter {tmp_path} is merged into {qwen2}; it was trained on {qwen2}, as it says" in caplog.text


def test_bfloat16_is_merged_as_by_peft(qwen2, tmp_path):
    trained(whole_model(qwen2), tmp_path, LoraConfig(r=2, target_modules=["q_proj"]))
    base = AutoModelForImageTextToText.from_pretrained(qwen2, dtype=torch.bfloat16)
    expected = PeftModel.from_pretrained(base, tmp_path).merge_and_unload().model.state_dict()
    found = VLMEncoder(str(tmp_path), dtype="bfloat16").model.state_dict()
    assert all(torch.equal(expected[name], weight) for name, weight in found.items())


def test_an_adapter_is_trained_on_with_one_of_ours(qwen2, tmp_path):
    trained(whole_model(qwen2), tmp_path, LoraConfig(r=2, target_modules=["q_proj"]))
    encoder = encoder_of(tmp_path, adapter=LoRAConfig(r=2))
    encoder.add_adapter()
    assert all("lora_" in name for name, parameter in encoder.named_parameters() if parameter.requires_grad)
    assert not any("q_proj.base_layer.base_layer" in name for name, _ in encoder.named_parameters())
    encoder.merge_adapter()
    encoder.save(tmp_path / "export")
    plain = AutoModel.from_pretrained(tmp_path / "export").state_dict()
    assert all(torch.equal(plain[name], weight) for name, weight in encoder.model.state_dict().items())


def test_an_adapter_for_another_base(qwen2, tmp_path):
    trained(whole_model(qwen2), tmp_path / "adapter", LoraConfig(r=2, target_modules=["q_proj", "up_proj"]))
    told = json.loads((qwen2 / "config.json").read_text())["text_config"]
    for name, sizes, message in [
        ("wider", {"intermediate_size": 64}, r"must be one for .*wider, but is 'another'. Name the base .*encoder.base=.*size mismatch"),
        (
            "flatter",
            {"num_hidden_layers": 2, "layer_types": ["full_attention"] * 2},
            r"must be complete and one for .*flatter, but is 'with 4 weights that the model has no place for, language_model.layers.2.mlp",
        ),
    ]:
        base = with_json(copy_of(qwen2, tmp_path / name), "config.json", text_config=told | sizes)
        torch.manual_seed(0)
        config = AutoConfig.from_pretrained(base)
        AutoModelForImageTextToText.from_config(config).save_pretrained(base)
        with pytest.raises(CheckpointError, match=message):
            encoder_of(tmp_path / "adapter", base=str(base))


def test_an_adapter_that_is_not_whole_or_no_lora(qwen2, tmp_path):
    trained(whole_model(qwen2), tmp_path, LoraConfig(r=2, target_modules=["q_proj"]))
    file, whole = tmp_path / "adapter_model.safetensors", load_file(tmp_path / "adapter_model.safetensors")
    save_file({name: weight for name, weight in whole.items() if not name.endswith("layers.1.self_attn.q_proj.lora_B.weight")}, file)
    message = r"must be complete and one for .*qwen2_vl, but is 'without 1 of its weights, language_model.layers.1.self_attn.q_proj.lora_B"
    with pytest.raises(CheckpointError, match=message):
        encoder_of(tmp_path)
    save_file(whole | {"base_model.model.score.weight": torch.zeros(1)}, file)
    with pytest.raises(CheckpointError, match="with 1 weights that the model has no place for, base_model.model.score.weight first"):
        encoder_of(tmp_path)
    save_file(whole | {name: weight / 0 for name, weight in list(whole.items())[:1]}, file)
    with pytest.raises(CheckpointError, match="must be finite, but is 'with 1 weights that are not, .*q_proj.lora_A.weight first'. Its"):
        encoder_of(tmp_path)
    save_file({"base_model.model.lm_head.weight": torch.zeros(1)}, file)
    with pytest.raises(CheckpointError, match="but is 'without weights'"):
        encoder_of(tmp_path)
    file.write_bytes(file.read_bytes()[:20])
    with pytest.raises(CheckpointError, match="the adapter .* must be readable, but is 'broken'. Copy it again"):
        encoder_of(tmp_path)
    file.unlink()
    with pytest.raises(CheckpointError, match="the adapter .* must be complete, but is 'without adapter_model.safetensors'. Copy it again"):
        encoder_of(tmp_path)
    other = IA3Config(target_modules=["k_proj", "down_proj"], feedforward_modules=["down_proj"])
    trained(whole_model(qwen2), tmp_path / "ia3", other)
    with pytest.raises(CheckpointError, match="must be a LoRA, but is .*IA3.*Merge it where it was trained"):
        encoder_of(tmp_path / "ia3")
