"""Adapters, export, what is trained, and what can be wrong with a checkpoint."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoModel, AutoProcessor

from unite.encoder import LoRA, VLMEncoder
from unite.errors import CheckpointError, ConfigError
from unite.types import Content, Medium, Modality

CAPS = {"dtype": "float32", "min_image_tokens": 1, "max_image_tokens": 16, "max_frame_pixels": 56 * 56, "max_length": 256}


def make(folder, **settings):
    torch.manual_seed(0)
    return VLMEncoder(str(folder), **CAPS | settings)


def image(seed):
    return Medium(Modality.IMAGE, np.random.default_rng(seed).integers(0, 255, (1, 56, 56, 3), dtype=np.uint8), seed)


CONTENTS = [Content("a red cat"), Content(media=(image(1),)), Content("the moon", (image(1),)), Content("above <|IMAGE|>", (image(2),))]


def batch_of(encoder, contents=CONTENTS):
    return encoder.processor.pad([encoder.processor.encode(content) for content in contents], range(len(contents)))


def loss_of(encoder, *features):
    embeddings = encoder(batch_of(encoder), *features)
    return (embeddings[0] * embeddings[1:].sum(0)).sum()


def trained(encoder):
    return {name for name, parameter in encoder.named_parameters() if parameter.requires_grad}


def test_embeddings_are_unit_vectors_in_float32(tiny_folder):
    for dtype in ("float32", "bfloat16"):
        encoder = make(tiny_folder, dtype=dtype)
        embeddings = encoder(batch_of(encoder))
        assert embeddings.dtype == torch.float32
        assert embeddings.shape == (4, encoder.dim)
        torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(4))


def test_without_an_adapter_the_language_model_is_trained_and_vision_if_asked(tiny_folder):
    encoder = make(tiny_folder)
    loss_of(encoder).backward()
    assert trained(encoder) == {name for name, _ in encoder.named_parameters() if name.startswith("model.language_model.")}
    assert encoder.vision_is_frozen
    assert all(parameter.grad is None for parameter in encoder.model.visual.parameters())
    both = make(tiny_folder, train_vision=True)
    loss_of(both).backward()
    assert all(parameter.grad is not None for parameter in both.parameters())


def test_lora_is_on_the_linear_layers_of_the_language_model_alone(tiny_folder):
    encoder = make(tiny_folder, adapter=LoRA(r=2, alpha=4, dropout=0.0))
    assert trained(encoder) == set()
    linears = {name for name, module in encoder.model.language_model.named_modules() if isinstance(module, nn.Linear)}
    encoder.add_adapter()
    adapted = {name.split(".lora_")[0].removeprefix("model.language_model.base_model.model.") for name in trained(encoder)}
    assert adapted == linears
    assert all(".lora_" in name for name in trained(encoder))
    loss_of(encoder).backward()
    assert {name for name, parameter in encoder.named_parameters() if parameter.grad is not None} == trained(encoder)


def with_random_adapter(folder):
    encoder = make(folder, adapter=LoRA(r=2, alpha=4, dropout=0.0))
    encoder.add_adapter()
    for name, parameter in encoder.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter, std=0.05)
    return encoder


def test_merging_keeps_the_embeddings_and_another_adapter_can_follow(tiny_folder):
    encoder = with_random_adapter(tiny_folder)
    before = encoder(batch_of(encoder)).detach()
    assert (before - make(tiny_folder)(batch_of(encoder))).abs().max() > 1e-3
    with pytest.raises(CheckpointError, match="adapter must be merged before another adapter is added"):
        encoder.add_adapter()
    encoder.merge_adapter()
    torch.testing.assert_close(encoder(batch_of(encoder)), before, rtol=1e-5, atol=1e-5)
    assert set(encoder.state_dict()) == set(make(tiny_folder).state_dict())
    encoder.add_adapter()
    torch.testing.assert_close(encoder(batch_of(encoder)), before, rtol=1e-5, atol=1e-5)  # a new adapter starts at zero
    assert all(".lora_" in name for name in trained(encoder))


def test_an_export_is_the_same_encoder_and_a_plain_checkpoint(tiny_folder, tmp_path):
    encoder = with_random_adapter(tiny_folder)
    with pytest.raises(CheckpointError, match="adapter must be merged before it is saved"):
        encoder.save(tmp_path / "export")
    encoder.merge_adapter()
    expected = encoder(batch_of(encoder)).detach()
    for _ in range(2):  # a second export replaces the first
        encoder.save(tmp_path / "export")
    assert [path.name for path in tmp_path.iterdir()] == ["export"]
    again = VLMEncoder(str(tmp_path / "export"))  # its folder brings positions, prompt, caps and precision
    assert again.settings == encoder.settings
    torch.testing.assert_close(again(batch_of(again)), expected)
    plain = AutoModel.from_pretrained(tmp_path / "export").state_dict()
    assert all(torch.equal(plain[name], value) for name, value in encoder.model.state_dict().items())
    assert AutoProcessor.from_pretrained(tmp_path / "export").tokenizer.get_vocab() == encoder.processor.processor.tokenizer.get_vocab()
    assert json.loads((tmp_path / "export" / "unite_encoder.json").read_text())["pooling"] == "last_token"


def test_an_export_keeps_its_own_settings(tiny_folder, tmp_path):
    encoder = make(tiny_folder, positions="sequential", system_prompt=None)
    encoder.save(tmp_path / "export")
    again = VLMEncoder(str(tmp_path / "export"), positions="mrope", max_length=8)
    assert again.positions == "sequential"
    torch.testing.assert_close(again(batch_of(again)), encoder(batch_of(encoder)))
    (tmp_path / "export" / "unite_encoder.json").write_text('{"positions": "mrope"}')
    with pytest.raises(CheckpointError, match=r"unite_encoder.json is not readable.*Export the encoder again"):
        VLMEncoder(str(tmp_path / "export"))


def test_media_are_seen_once(tiny_folder):
    encoder = make(tiny_folder)
    seen = []
    encoder.model.visual.register_forward_pre_hook(lambda module, args, kwargs: seen.append(kwargs["grid_thw"].shape[0]), with_kwargs=True)
    known = {}
    batch = batch_of(encoder)
    features = encoder.encode_media(batch, known)
    assert seen == [2]  # image 1 twice, image 2 once
    assert torch.equal(encoder.encode_media(batch_of(encoder, CONTENTS[2:]), known), features[4:])
    assert seen == [2]
    torch.testing.assert_close(encoder(batch, features), encoder(batch))
    assert len(encoder.encode_media(batch_of(encoder, CONTENTS[:1]), known)) == 0


def test_gradient_checkpointing_changes_no_gradient(tiny_folder):
    grads = []
    for checkpointing in (False, True):
        encoder = make(tiny_folder, gradient_checkpointing=checkpointing, train_vision=True).train()
        loss_of(encoder).backward()
        grads.append([parameter.grad for parameter in encoder.parameters()])
    for plain, again in zip(*grads, strict=True):
        torch.testing.assert_close(plain, again)


def test_other_attention_gives_the_same(tiny_folder):
    encoder, eager = make(tiny_folder), make(tiny_folder, attention="eager")
    torch.testing.assert_close(eager(batch_of(eager)), encoder(batch_of(encoder)), rtol=1e-5, atol=1e-5)


def test_missing_weights_are_named(tiny_folder, tmp_path):
    folder = shutil.copytree(tiny_folder, tmp_path / "broken")
    weights = load_file(folder / "model.safetensors")
    lost = next(name for name in weights if name.endswith("layers.1.mlp.up_proj.weight"))
    del weights[lost]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(
        CheckpointError, match=r"must be complete, but is 'without 1 of its weights, language_model.layers.1.mlp.up_proj.weight first"
    ):
        make(folder)
    (folder / "model.safetensors").write_bytes((tiny_folder / "model.safetensors").read_bytes()[:5000])
    with pytest.raises(CheckpointError, match="encoder.path must be a checkpoint"):
        make(folder)


def test_a_missing_tokenizer_or_that_of_another_model_is_refused(tiny_folder, tmp_path):
    folder = shutil.copytree(tiny_folder, tmp_path / "broken")
    (folder / "tokenizer.json").unlink()
    with pytest.raises(
        CheckpointError, match=r"the tokenizer of .*broken must be complete, but is 'of \d+ tokens'. Copy .* tokenizer.json"
    ):
        make(folder)
    shutil.copy(tiny_folder / "tokenizer.json", folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"image_token_id": 7}))
    with pytest.raises(CheckpointError, match="must be that of the weights, with image_token_id 7, but is"):
        make(folder)


@pytest.mark.parametrize("file", ["processor_config.json", "tokenizer.json", "config.json", "model.safetensors"])
def test_a_truncated_file_is_refused(tiny_folder, tmp_path, file):
    folder = shutil.copytree(tiny_folder, tmp_path / "broken")
    (folder / file).write_bytes((folder / file).read_bytes()[:100])
    with pytest.raises(CheckpointError, match="encoder.path must be a checkpoint, but is .*broken.*Give a folder with config.json"):
        make(folder)


def test_a_full_disk_leaves_no_half_encoder(tiny_folder, tmp_path, monkeypatch):
    encoder = make(tiny_folder)
    encoder.save(tmp_path / "encoder")
    before = (tmp_path / "encoder" / "model.safetensors").read_bytes()

    def full(folder):
        (folder / "model.safetensors").write_bytes(b"half")
        raise SafetensorError("I/O error: No space left on device")

    monkeypatch.setattr(encoder.model, "save_pretrained", full)
    with pytest.raises(CheckpointError, match=r"the weights cannot be written to .*encoder .*No space left.*Free space"):
        encoder.save(tmp_path / "encoder")
    assert (tmp_path / "encoder" / "model.safetensors").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["encoder"]


def test_no_such_checkpoint(tmp_path):
    for path in (str(tmp_path), str(tmp_path / "nowhere"), "nobody/no-such-model"):
        with pytest.raises(CheckpointError, match=r"encoder.path must be a checkpoint, but is .*config.json.*HF_HUB_OFFLINE=0"):
            make(path)


def test_another_family_is_refused(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(CheckpointError, match="must be one of qwen2_5_vl, qwen2_vl, qwen3_vl, but is 'bert'"):
        make(tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"positions": "sequentiel"}, "encoder.positions must be one of mrope, sequential.*Did you mean 'sequential'"),
        ({"dtype": "float16"}, "encoder.dtype must be one of bfloat16, float32"),
        (
            {"min_image_tokens": 20, "max_image_tokens": 10},
            r"encoder.min_image_tokens must be from 1 to max_image_tokens \(10\), but is 20",
        ),
        ({"max_length": 0}, "encoder.max_length must be at least 1, but is 0"),
        ({"attention": "fast"}, "encoder.attention must be one that transformers knows, but is 'fast'.*eager.*sdpa"),
        ({"attention": "flash_attention_2"}, "encoder.attention must be one that is installed, but is 'flash_attention_2'"),
    ],
)
def test_settings_out_of_range(tiny_folder, settings, message):
    with pytest.raises(ConfigError, match=message):
        make(tiny_folder, **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"r": 0}, "encoder.adapter.r must be at least 1, but is 0. To train without"),
        ({"alpha": 0}, "encoder.adapter.alpha must be at least 1, but is 0"),
        ({"dropout": 1.5}, "encoder.adapter.dropout must be from 0 to below 1, but is 1.5"),
    ],
)
def test_settings_of_the_adapter_out_of_range(settings, message):
    with pytest.raises(ConfigError, match=message):
        LoRA(**settings)
