"""Export, and what can be wrong with a checkpoint."""

import json
import logging
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoProcessor

from tests.encoder.material import CONTENTS, batch_of, how_it_reads, make, with_random_adapter
from unite.config.schema import EncoderConfig, Positions, Precision, PromptConfig
from unite.config.schema.encoder import ReadingChange
from unite.encoder.vlm import VLMEncoder
from unite.errors import CheckpointError, ConfigError
from unite.types import Content, Medium, Modality


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
    assert how_it_reads(again) == how_it_reads(encoder)
    torch.testing.assert_close(again(batch_of(again)), expected)
    plain = AutoModel.from_pretrained(tmp_path / "export").state_dict()
    assert all(torch.equal(plain[name], value) for name, value in encoder.model.state_dict().items())
    assert AutoProcessor.from_pretrained(tmp_path / "export").tokenizer.get_vocab() == encoder.processor.processor.tokenizer.get_vocab()
    assert json.loads((tmp_path / "export" / "unite_encoder.json").read_text())["pooling"] == "last_token"


def test_loaded_weights_are_aligned_as_new_ones_are(tiny_folder):
    plain = AutoModel.from_pretrained(tiny_folder)
    assert any(tensor.data_ptr() % 64 for tensor in plain.parameters())  # as they lie in the file
    encoder = make(tiny_folder)
    assert not any(tensor.data_ptr() % 64 for tensor in (*encoder.model.parameters(), *encoder.model.buffers()))
    assert all(torch.equal(plain.state_dict()[name], value) for name, value in encoder.model.state_dict().items())


@pytest.mark.parametrize("padding", [0, 4, 8, 12])  # of the header, so that the weights begin 16 k, 16 k + 8, ... bytes into the file
def test_where_the_weights_lie_in_their_file_changes_no_bit(tiny_folder, tmp_path, padding):
    """A run that is resumed in its second stage reads other files than the undisturbed one did, and multiplies a single row at times."""
    folder = shutil.copytree(tiny_folder, tmp_path / "copy")
    save_file(load_file(folder / "model.safetensors"), folder / "model.safetensors", {"format": "pt", "of the first": " " * 2 * padding})
    for content in CONTENTS:
        bits = []
        for place in (tiny_folder, folder):
            encoder = make(place)
            (embedding,) = encoder(batch_of(encoder, [content]))
            embedding.sum().backward()
            bits.append([embedding, *(parameter.grad for parameter in encoder.model.parameters() if parameter.grad is not None)])
        assert all(torch.equal(*pair) for pair in zip(*bits, strict=True))


def test_an_export_keeps_its_own_settings(tiny_folder, tmp_path):
    encoder = make(tiny_folder, positions="sequential", system_prompt=None)
    encoder.save(tmp_path / "export")
    again = VLMEncoder(str(tmp_path / "export"), positions="mrope", max_length=8)
    assert again.config.positions is Positions.sequential
    torch.testing.assert_close(again(batch_of(again)), encoder(batch_of(encoder)))
    (tmp_path / "export" / "unite_encoder.json").write_text('{"positions": "mrope"}')
    with pytest.raises(CheckpointError, match=r"unite_encoder.json is not readable.*Export the encoder again"):
        VLMEncoder(str(tmp_path / "export"))


def test_what_is_asked_for_wins_over_what_an_export_says(tiny_folder, tmp_path, caplog):
    make(tiny_folder, max_frame_pixels=3136, max_length=300).save(tmp_path / "export")
    caplog.set_level(logging.INFO)
    changed = VLMEncoder(str(tmp_path / "export"), max_length=8, override=ReadingChange(max_frame_pixels=12544, positions="sequential"))
    assert (changed.config.max_frame_pixels, changed.config.max_length) == (12544, 300)  # an option alone gives way to the export
    assert "positions=sequential instead of mrope, max_frame_pixels=12544 instead of 3136" in " ".join(caplog.messages)
    film = Medium(Modality.VIDEO, np.zeros((2, 112, 112, 3), np.uint8), 1, (0.0, 1.0))
    num_tokens = [len(one.processor.encode(Content(media=(film,))).input_ids) for one in (changed, VLMEncoder(str(tmp_path / "export")))]
    assert num_tokens[0] - num_tokens[1] == 16 - 4  # 4x4 merged patches of 28 pixels, or 2x2
    assert changed.positions == "sequential"
    with pytest.raises(ConfigError, match="encoder.max_length must be at least 1, but is 0"):
        VLMEncoder(str(tmp_path / "export"), override=ReadingChange(max_length=0))


def test_what_was_exported_at_2ff6e78_is_read(tiny_folder, tmp_path):
    """The file as it was written then."""
    folder = shutil.copytree(tiny_folder, tmp_path / "export")
    (folder / "unite_encoder.json").write_text("""{
  "positions": "sequential",
  "dtype": "float32",
  "min_image_tokens": 1,
  "max_image_tokens": 64,
  "max_frame_pixels": 7056,
  "max_length": 256,
  "system_prompt": null,
  "pooling": "last_token"
}""")
    encoder = VLMEncoder(EncoderConfig(path=str(folder), max_length=8, train_vision=True))
    assert how_it_reads(encoder) == {
        "positions": Positions.sequential,
        "dtype": Precision.float32,
        "min_image_tokens": 1,
        "max_image_tokens": 64,
        "min_frame_pixels": 1,  # there was none
        "max_frame_pixels": 7056,
        "max_length": 256,
        "system_prompt": None,
        "prompt": PromptConfig(),
    }
    assert encoder.config.prompt.name == "unite"
    assert encoder.config.train_vision
    encoder.save(tmp_path / "again")
    was, now = (json.loads((place / "unite_encoder.json").read_text()) for place in (folder, tmp_path / "again"))
    assert {name: value for name, value in now.items() if name not in ("prompt", "min_frame_pixels")} == was
    assert now["prompt"]["name"] == "unite"


def test_an_export_keeps_its_prompt(tiny_folder, tmp_path, caplog):
    mine = PromptConfig(name="mine", template="{instruction}{content}<|endoftext|>", after_medium=" ")
    encoder = make(tiny_folder, prompt=mine)
    encoder.save(tmp_path / "export")
    folder = str(tmp_path / "export")
    with caplog.at_level(logging.INFO):
        again = VLMEncoder(folder)  # nobody asked for another than the default
    assert again.config.prompt == mine and "unite_encoder.json brings its own settings: dtype=float32, " in caplog.text
    assert "not used" not in caplog.text
    torch.testing.assert_close(again(batch_of(again)), encoder(batch_of(encoder)))
    with caplog.at_level(logging.INFO):
        asked = make(folder, prompt=mine, max_length=encoder.config.max_length + 1)
    assert asked.config.max_length == encoder.config.max_length
    assert f"not used, since the checkpoint brings its own: encoder.max_length={encoder.config.max_length + 1}\n" in caplog.text
    with pytest.raises(
        CheckpointError, match=r"the prompt must be mine, which .*export was trained with, but is 'plain'. Leave prompt=\.\.\. out"
    ):
        VLMEncoder(folder, prompt=PromptConfig(name="plain", template="{content}<|endoftext|>"))
    with pytest.raises(CheckpointError, match="must be mine, .*but is 'one of that name with another after_medium'"):
        VLMEncoder(folder, prompt=replace(mine, after_medium=""))
    file = tmp_path / "export" / "unite_encoder.json"
    for broken in ({"nam": "mine"}, {"name": "mine", "template": "no place"}, "mine"):
        file.write_text(json.dumps(json.loads(file.read_text()) | {"prompt": broken}))
        with pytest.raises(CheckpointError, match=r"unite_encoder.json is not readable"):
            VLMEncoder(folder)


def test_an_export_of_before_there_were_prompts_is_told_from_another(tiny_folder, tmp_path):
    make(tiny_folder).save(tmp_path / "export")
    file = tmp_path / "export" / "unite_encoder.json"
    file.write_text(json.dumps({name: value for name, value in json.loads(file.read_text()).items() if name != "prompt"}))
    with pytest.raises(CheckpointError, match="the prompt must be unite, which .*export was trained with, but is 'plain'"):
        VLMEncoder(str(tmp_path / "export"), prompt=PromptConfig(name="plain", template="{content}<|endoftext|>"))


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
    with pytest.raises(CheckpointError, match="the checkpoint must be one that can be loaded"):
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
    with pytest.raises(CheckpointError, match="checkpoint must be one that can be loaded, but is .*broken.*Give a folder with config.json"):
        make(folder)


def test_a_full_disk_leaves_no_half_encoder(tiny_folder, tmp_path, monkeypatch):
    encoder = make(tiny_folder)
    encoder.save(tmp_path / "encoder")
    before = (tmp_path / "encoder" / "model.safetensors").read_bytes()

    def full(folder, **options):
        (folder / "model.safetensors").write_bytes(b"half")
        raise SafetensorError("I/O error: No space left on device")

    monkeypatch.setattr(encoder.model, "save_pretrained", full)
    with pytest.raises(CheckpointError, match=r"the weights cannot be written to .*encoder .*No space left.*Free space"):
        encoder.save(tmp_path / "encoder")
    assert (tmp_path / "encoder" / "model.safetensors").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["encoder"]


def test_no_such_checkpoint(tmp_path):
    for path in (str(tmp_path), str(tmp_path / "nowhere"), "nobody/no-such-model"):
        with pytest.raises(CheckpointError, match=r"the checkpoint must be one that can be loaded, but is .*config.json.*HF_HUB_OFFLINE=0"):
            make(path)


def test_another_family_is_refused(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(
        CheckpointError, match="must be one of fast_vlm, qwen2_5_vl, qwen2_vl, qwen3_vl, qwen3_vl_moe, unite_qwen2_vl, but is 'bert'"
    ):
        make(tmp_path)


@pytest.mark.parametrize(
    ("attention", "message"),
    [
        ("fast", "encoder.attention must be varlen or one that transformers knows, but is 'fast'.*eager.*sdpa"),
        ("flash_attention_2", "encoder.attention must be one that is installed, but is 'flash_attention_2'"),
    ],
)
def test_attention_that_is_not_to_be_had(tiny_folder, attention, message):
    with pytest.raises(ConfigError, match=message):
        make(tiny_folder, attention=attention)
