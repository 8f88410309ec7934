import hashlib

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoProcessor, AutoTokenizer

from tests.encoder.checkpoints import CORPUS
from unite.config.schema import TinyCheckpointConfig
from unite.encoder.tiny import build_tiny_checkpoint
from unite.encoder.tiny.tokenizer import SPECIAL_TOKENS
from unite.encoder.vlm import VLMEncoder
from unite.errors import ConfigError
from unite.types import Content, Medium, Modality


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build_tiny_checkpoint(TinyCheckpointConfig(), tmp_path_factory.mktemp("data"), CORPUS)


@pytest.fixture(scope="module")
def older(tmp_path_factory):
    return build_tiny_checkpoint(TinyCheckpointConfig(architecture="qwen2_vl"), tmp_path_factory.mktemp("data"), CORPUS)


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_same_arguments_give_the_same_files(folder, tmp_path):
    again = build_tiny_checkpoint(TinyCheckpointConfig(), tmp_path, iter(CORPUS))
    assert again.name == folder.name
    assert digests(again) == digests(folder)
    assert [path.name for path in tmp_path.iterdir()] == [again.name]  # nothing half-written is left
    stamp = (again / "config.json").stat().st_mtime_ns
    assert build_tiny_checkpoint(TinyCheckpointConfig(), tmp_path, CORPUS) == again
    assert (again / "config.json").stat().st_mtime_ns == stamp
    smaller = TinyCheckpointConfig(num_layers=1, vision_num_layers=1, seed=1)
    assert build_tiny_checkpoint(smaller, tmp_path, CORPUS).name != folder.name


def test_another_architecture_is_another_checkpoint(folder, older):
    assert older.name != folder.name
    assert type(AutoModel.from_pretrained(older)).__name__ == "Qwen2VLModel"


def test_it_is_a_whole_checkpoint_of_toy_size(folder):
    model = AutoModel.from_pretrained(folder)
    assert type(model).__name__ == "Qwen3VLModel"
    assert 700_000 < model.num_parameters() < 1_000_000
    processor = AutoProcessor.from_pretrained(folder)
    message = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "a cat"}]}
    text = processor.apply_chat_template([message], add_generation_prompt=True)
    assert text == "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>a cat<|im_end|>\n<|im_start|>assistant\n"


def test_tokenizer(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert [tokenizer.convert_tokens_to_ids(token) for token in SPECIAL_TOKENS] == list(
        range(len(tokenizer) - len(SPECIAL_TOKENS), len(tokenizer))
    )
    for text in ("the red cat moves left", "Grüße, 猫 \U0001f408\n\ttabs  and spaces"):
        assert tokenizer.decode(tokenizer(text).input_ids) == text
    assert tokenizer("<|im_end|>a").input_ids[0] == tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert len(tokenizer("cat the red").input_ids) == 3  # words of the corpus are one token
    assert len(tokenizer("\nSummary above sentence and image in one word:").input_ids) <= 11


def test_an_84_pixel_image_is_9_tokens(older):
    caps = {"min_image_tokens": 1, "max_image_tokens": 64, "max_frame_pixels": 84 * 84, "max_length": 256, "system_prompt": None}
    processor = VLMEncoder(str(older), dtype="float32", **caps).processor
    image = Medium(Modality.IMAGE, np.zeros((1, 84, 84, 3), np.uint8), 1)
    clip = Medium(Modality.VIDEO, np.zeros((4, 84, 84, 3), np.uint8), 1, (0.0, 0.25, 0.5, 0.75))
    assert processor.encode(Content(media=(image,))).media["grids"].tolist() == [[1, 6, 6]]
    encoded = processor.encode(Content(media=(clip,)))
    assert encoded.media["grids"].tolist() == [[2, 6, 6]] and encoded.media["intervals"].tolist() == [0.5]
    assert int((encoded.token_types == 2).sum()) == 18


def test_a_frames_time_is_few_tokens(folder):
    caps = {"min_image_tokens": 1, "max_image_tokens": 64, "max_frame_pixels": 84 * 84, "max_length": 256, "system_prompt": None}
    processor, tokenizer = VLMEncoder(str(folder), dtype="float32", **caps).processor, AutoTokenizer.from_pretrained(folder)
    clip = Medium(Modality.VIDEO, np.zeros((4, 84, 84, 3), np.uint8), 1, (0.0, 0.25, 0.5, 0.75))
    encoded = processor.encode(Content(media=(clip,)))
    assert tokenizer.decode(encoded.input_ids.flatten()).count("seconds>") == 2 and int((encoded.token_types == 2).sum()) == 18
    assert len(tokenizer("<0.1 seconds>").input_ids) == 6


def test_columns_are_told_apart_by_qwen3s_positions_and_hardly_by_qwen2s(folder, older):
    turns = {}
    for path in (folder, older):
        model = AutoModel.from_pretrained(path)
        positions = torch.arange(3).expand(3, 1, 3).clone()
        positions[:2] = 0  # three columns of one row at one time
        states = torch.zeros(1, 3, 96)
        _, sin = model.language_model.rotary_emb(states, positions)
        turns[path] = float(sin[0, 1].asin().abs().max())  # from a column to the next, in radians
    assert turns[folder] > 0.4 and turns[older] < 0.06


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"hidden_size": 100}, "encoder.checkpoint.hidden_size must be a multiple of 8, but is 100"),
        ({"vision_hidden_size": 24}, "encoder.checkpoint.vision_hidden_size must be a multiple of 16, but is 24"),
        ({"num_layers": 0}, "encoder.checkpoint.num_layers must be at least 1, but is 0"),
        ({"vision_num_layers": -1}, "encoder.checkpoint.vision_num_layers must be at least 1, but is -1"),
        ({"vocab_size": 200}, "encoder.checkpoint.vocab_size must be at least 270, but is 200"),
    ],
)
def test_impossible_sizes(tmp_path, sizes, message):
    with pytest.raises(ConfigError, match=message):
        build_tiny_checkpoint(TinyCheckpointConfig(**sizes), tmp_path, CORPUS)
    assert not list(tmp_path.iterdir())
