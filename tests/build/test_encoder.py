import json
from dataclasses import asdict

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from transformers import AutoTokenizer

from tests.composed import composed
from tests.encoder.checkpoints import save_family, tiny
from tests.media.material import photograph
from unite.build.encoder import build_checkpoint, build_encoder, build_trained_encoder, check_encoder, check_trained_encoder
from unite.build.train import build_stages
from unite.config.register import CONF
from unite.config.schema import ReadingConfig
from unite.data.rows import Row, StoredContent
from unite.data.shards import ShardWriter
from unite.encoder.families.qwen2_vl import Qwen2VL
from unite.encoder.families.qwen3_vl import Qwen3VL
from unite.encoder.tiny.tokenizer import train_tokenizer
from unite.encoder.vlm import VLMEncoder
from unite.errors import CheckpointError, CollectedError, ConfigError
from unite.evaluation.mteb_suite import MtebSuite
from unite.runs import RunFolder
from unite.types import Content, Medium, Modality


@pytest.mark.parametrize(("device", "hint"), [("toaster", ""), ("cuda:99", "torch sees")])
def test_a_device_that_is_not_there_is_refused(device, hint):
    with pytest.raises(ConfigError, match=f"device must be auto, cpu, cuda, or cuda:<number>.*, but is '{device}'.*{hint}"):
        build_trained_encoder(composed("evaluate", "checkpoint=x", f"device={device}"))


def test_a_checkpoint_that_is_not_there_is_no_hub_name(tmp_path):
    with pytest.raises(CheckpointError, match="checkpoint must be a run folder that holds encoder/config.json.*nowhere, no folder"):
        build_trained_encoder(composed("evaluate", f"checkpoint={tmp_path}/nowhere", "device=cpu"))


def test_the_base_of_an_adapter_may_be_a_run(tmp_path):
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "adapter_config.json").write_text('{"base_model_name_or_path": "/gone"}')
    adapter = f"checkpoint={tmp_path}/adapter"
    with pytest.raises(CheckpointError, match="the base of the adapter .* but is '/gone'. Name the folder of the base by encoder.base="):
        build_trained_encoder(composed("evaluate", adapter, "device=cpu"))
    with pytest.raises(CheckpointError, match="encoder.base must be a run folder that holds encoder/config.json.*nowhere, no folder"):
        build_trained_encoder(composed("evaluate", adapter, "device=cpu", f"encoder.base={tmp_path}/nowhere"))
    (tmp_path / "run" / "encoder").mkdir(parents=True)
    (tmp_path / "run" / "encoder" / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(CheckpointError, match="the model type of .*run/encoder must be one of .* but is 'bert'"):
        build_trained_encoder(composed("evaluate", adapter, "device=cpu", f"encoder.base={tmp_path}/run"))


def test_a_suite_may_ask_for_another_reading_than_the_checkpoint_s_and_the_command_for_yet_another(tmp_path):
    VLMEncoder(str(tiny(tmp_path)), dtype="float32", max_frame_pixels=3136, max_length=300).save(tmp_path / "export")
    asked = ["evaluate", f"checkpoint={tmp_path}/export", "device=cpu"]
    suites = (["suite=mteb"], ["suite=mteb_unite"], ["suite=mteb_unite", "encoder.override.max_frame_pixels=106400"])
    encoders = [build_trained_encoder(composed(*asked, *suite, "suite.tasks=[STS12]")) for suite in suites]
    read = [(encoder.config.max_frame_pixels, encoder.config.max_length) for encoder in encoders]
    assert read == [(3136, 300), (360 * 420, 32768), (106400, 32768)]
    settings = [
        MtebSuite(OmegaConf.to_object(composed(*asked, *suites[1], "suite.tasks=[STS12]").suite)).settings(encoder)
        for encoder in encoders[1:]
    ]
    frames = {"instructions": False, "min_frames": 32, "max_frames": 32, "min_frame_pixels": 100352, "max_length": 32768}
    assert settings == [frames | {"max_frame_pixels": 151200}, frames | {"max_frame_pixels": 106400}]
    with pytest.raises(ConfigError, match="encoder.max_length must be at least 1, but is 0"):
        check_trained_encoder(composed(*asked, "encoder.override.max_length=0"))


def own_mixture(folder, captions, *overrides):
    with ShardWriter(folder / "own") as writer:
        for number, caption in enumerate(captions):
            writer.write(Row(f"{number:04d}", StoredContent(caption, instruction="Retrieve"), (StoredContent(f"{caption} again"),)))
    own = [f"mixture.sources.t2t.shards={folder}/own", "mixture.sources.t2t.world=null", "mixture.sources.t2t.name=own"]
    small = ["encoder.checkpoint.hidden_size=32", "encoder.checkpoint.vision_hidden_size=32", f"data_root={folder}"]
    return composed("train", "mixture=tt", "alignment=none", *own, *small, *overrides)


def test_the_tiny_tokenizer_knows_the_words_of_ones_own_mixture(tmp_path, caplog):
    with caplog.at_level("INFO"):
        folder = build_checkpoint(own_mixture(tmp_path, ["ein Fahrrad steht", "das Fahrrad rollt"] * 20))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert {len(tokenizer(f" {word}").input_ids) for word in ("Fahrrad", "rollt", "again")} == {1}
    assert len(tokenizer(" banana").input_ids) > 1  # of the built-in world, which is not even built
    assert "0.0 % of the words of the mixture are written in pieces" in caplog.text
    assert not [record for record in caplog.records if record.levelname == "WARNING"]
    assert not list(tmp_path.glob("emoji_world*"))


def test_a_vocabulary_that_is_too_small_is_told_aloud(tmp_path, caplog):
    captions = [f"{chr(97 + at % 26) * 3}{chr(97 + at // 26) * 4}x" for at in range(300)]
    build_checkpoint(own_mixture(tmp_path, captions, "encoder.checkpoint.vocab_size=300"))
    (record,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "of the words of the mixture are written in pieces. Raise encoder.checkpoint.vocab_size" in record.getMessage()


@pytest.mark.parametrize("option", sorted(path.stem for path in CONF.glob("encoder/qwen*.yaml")))
def test_every_option_loads_by_its_hub_name_and_from_a_folder(option, tmp_path, monkeypatch):
    """A tiny checkpoint in the place of the true one in the hub's local cache, of the architecture that the option's name begins with."""
    small = ["encoder.min_image_tokens=1", "encoder.dtype=float32"]
    config = composed("train", f"encoder={option}", *small)
    folder = save_family(option.rpartition("_")[0], tmp_path, train_tokenizer(["the moon and a cat"], 300))
    cached = tmp_path / "hub" / f"models--{config.encoder.path.replace('/', '--')}"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text("0" * 40)
    (cached / "snapshots").mkdir()
    (cached / "snapshots" / ("0" * 40)).symlink_to(folder)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    by_name = build_encoder(config, None)
    by_folder = build_encoder(composed("train", f"encoder={option}", f"encoder.path={folder}", *small), None)
    of_evaluation = build_trained_encoder(composed("evaluate", f"checkpoint={config.encoder.path}", "device=cpu", *small))
    picture = Medium(Modality.IMAGE, np.asarray(photograph())[None], 1)
    with torch.no_grad():
        made = []
        for encoder in (by_name, by_folder, of_evaluation):
            encoded = [encoder.processor.encode(content) for content in (Content("the moon"), Content("a cat", (picture,)))]
            made.append(encoder.eval()(encoder.processor.pad(encoded, range(2))))
    assert torch.equal(made[0], made[1]) and torch.equal(made[0], made[2]) and made[0].norm(dim=-1).tolist() == pytest.approx([1, 1])
    by_name.add_adapter()
    assert {name.rpartition("lora_")[2][0] for name, weight in by_name.named_parameters() if weight.requires_grad} == {"A", "B"}


def test_a_prompt_is_checked_before_data_are_built(tmp_path):
    export = tmp_path / "encoder"
    export.mkdir()
    (export / "config.json").write_text('{"model_type": "qwen2_vl"}')
    trained = {name: value for name, value in asdict(ReadingConfig()).items() if name != "prompt"}  # as it was exported before
    (export / "unite_encoder.json").write_text(json.dumps(trained))
    for options in ([f"init_from={export}"], ["encoder=qwen2_vl_2b", f"encoder.path={export}"]):
        check_encoder(composed("train", *options))
        with pytest.raises(CheckpointError, match="the prompt must be unite, which .*encoder was trained with, but is 'gme'"):
            build_stages(composed("train", *options, "prompt=gme", f"data_root={tmp_path}"), RunFolder(tmp_path / "run"))
    with pytest.raises(ConfigError, match="encoder.prompt.template must be a text with {content} in it"):
        build_stages(composed("train", "encoder.prompt.template=Summary:", "encoder.prompt.name=mine"), RunFolder(tmp_path / "run"))
    assert not list(tmp_path.glob("emoji_world*"))


def test_what_a_stage_freezes_is_checked_before_data_are_built(tmp_path):
    export = save_family("qwen2_vl", tmp_path, train_tokenizer(["the moon and a cat"], 300))
    options = ["encoder=qwen2_vl_2b", f"encoder.path={export}", "alignment=image_text", f"data_root={tmp_path}"]
    check_encoder(composed("train", *options, "alignment.frozen=[merger]"))
    with pytest.raises(ConfigError, match="encoder.frozen must be one of language, .* but is 'langauge'"):
        check_encoder(composed("train", *options, "alignment.frozen=[langauge]"))


def test_the_packages_of_an_assembled_encoder_are_asked_for_before_data_are_built(monkeypatch):
    monkeypatch.setattr("unite.encoder.assembled.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="the packages that encoder.checkpoint is put together of must be installed"):
        check_encoder(composed("train", "+experiment=small_real"))


def test_sources_of_a_kind_that_the_encoder_does_not_read_are_told_before_data_are_built(tmp_path, monkeypatch):
    """Every family reads images and video today, so one is made to read less. The checkpoint is its config.json alone."""
    export = tmp_path / "base"
    export.mkdir()
    (export / "config.json").write_text('{"model_type": "qwen2_vl"}')
    for family in (Qwen2VL, Qwen3VL):
        monkeypatch.setattr(family, "modalities", (Modality.IMAGE,))
    own = ["alignment=image_text", "alignment.mixture.sources.i2t.query=video", "mixture=tv", f"data_root={tmp_path}"]
    for options, name in ((["encoder=qwen2_vl_2b", f"encoder.path={export}"], str(export)), ([], "a random qwen3_vl")):
        with pytest.raises(CollectedError) as told:
            build_stages(composed("train", *own, *options), RunFolder(tmp_path / "run"))
        reads = "must be of what the encoder reads (text, image), but is 'video'."
        hint = f"{name} reads no video: take another encoder, or leave the source out."
        places = ("alignment.mixture.sources.i2t.query", "mixture.sources.t2v.positive", "mixture.sources.v2t.query")
        assert [str(error) for error in told.value.errors] == [f"{place} {reads} {hint}" for place in places]
        check_encoder(composed("train", "mixture=ti", *options))
    with pytest.raises(ConfigError, match=r"mixture.sources.vt2v.query must be .* \(text, image\), but is 'text\+video'.*reads no video"):
        check_encoder(composed("train", "mixture=fused", "~mixture.sources.it2i", "mixture.sources.vt2v.positive=image"))
    check_encoder(composed("train", "mixture=tv", "trainer.max_steps=0"))  # of a stage that is left out, nothing is asked
    assert not list(tmp_path.glob("emoji_world*"))


def test_what_a_checkpoint_tells_without_its_weights_is_told_before_a_suite_is_built(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "qwen2_vl"}')
    check_trained_encoder(composed("evaluate", f"checkpoint={tmp_path}", "device=cpu"))
    with pytest.raises(ConfigError, match="device must be auto, cpu"):
        check_trained_encoder(composed("evaluate", f"checkpoint={tmp_path}", "device=toaster"))
    with pytest.raises(ConfigError, match="encoder.base must be null, since .* is no adapter"):
        check_trained_encoder(composed("evaluate", f"checkpoint={tmp_path}", f"encoder.base={tmp_path}"))
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(CheckpointError, match="the model type of .* must be one of"):
        check_trained_encoder(composed("evaluate", f"checkpoint={tmp_path}"))


def test_names_of_layers_are_checked_before_a_weight_is_read(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "qwen2_vl"}')  # without a weight
    start = ["encoder=qwen2_vl_2b", f"encoder.path={tmp_path}"]
    check_encoder(composed("train", *start, "encoder.adapter.targets=[language,visual.*.qkv]", "encoder.frozen=[embed_tokens]"))
    check_encoder(composed("train", *start, "encoder.adapter=null"))
    with pytest.raises(CollectedError) as told:
        check_encoder(composed("train", *start, "encoder.adapter.targets=[q_prj]", "encoder.frozen=[visoin]"))
    assert [str(error).partition(" must")[0] for error in told.value.errors] == ["encoder.frozen", "encoder.adapter.targets"]
    assert "but is 'visoin'. A name may be a pattern, and may leave out its beginning. Did you mean 'vision'?" in str(told.value)
