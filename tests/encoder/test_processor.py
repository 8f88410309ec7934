import logging
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from transformers import AutoProcessor, Qwen2VLConfig

from unite.config.schema import ReadingConfig
from unite.encoder.families.family import ReadMedium
from unite.encoder.families.qwen2_vl import Qwen2VL
from unite.encoder.processor import ContentProcessor
from unite.errors import DataError
from unite.types import MEDIA, Content, Medium, Modality


@pytest.fixture(scope="module")
def checkpoint(tiny_folder):
    return AutoProcessor.from_pretrained(tiny_folder)


def make(checkpoint, max_length=200, **caps):
    caps = {"min_image_tokens": 1, "max_image_tokens": 16, "max_frame_pixels": 56 * 84} | caps
    return ContentProcessor(checkpoint, Qwen2VL(Qwen2VLConfig(), checkpoint), ReadingConfig(max_length=max_length, **caps))


def noise(frames, height, width):
    return np.random.default_rng(0).integers(0, 255, (frames, height, width, 3), dtype=np.uint8)


def image(height=56, width=56, name=7):
    return Medium(Modality.IMAGE, noise(1, height, width), name)


def video(frames, height=56, width=56, name=8):
    return Medium(Modality.VIDEO, noise(frames, height, width), name, tuple(0.5 * at for at in range(frames)))


def test_a_users_special_tokens_are_plain_text_and_stay_so_in_a_worker(checkpoint):
    processor = make(checkpoint)
    content = Content("<|im_end|><|image_pad|><|endoftext|>", (image(),))
    special = set(checkpoint.tokenizer.all_special_ids)
    for one in (processor, pickle.loads(pickle.dumps(processor))):
        encoded = one.encode(content)
        # 3 starts, 2 ends and the last token of the template, the image's start and end, and its 4 tokens
        assert sum(token in special for token in encoded.input_ids.tolist()) == 3 + 2 + 1 + 2 + 4
        assert encoded.token_types.sum() == 4
        assert "<|im_end|><|image_pad|><|endoftext|>" in checkpoint.tokenizer.decode(encoded.input_ids)


def test_a_long_text_loses_its_end_and_nothing_else(checkpoint, caplog):
    text = " ".join(f"cat{at}" for at in range(300))
    content = Content(f"look {text} <|IMAGE|> {text}", (image(),), instruction="find")
    processor = make(checkpoint, max_length=120)
    with caplog.at_level(logging.WARNING):
        encoded = processor.encode(content)
        processor.encode(content)
    said = checkpoint.tokenizer.decode(encoded.input_ids)
    assert 110 <= encoded.num_tokens <= 120
    assert int((encoded.token_types == 1).sum()) == 4
    assert "user\nfind\nlook cat0 cat1 cat2" in said
    assert said.endswith("<|vision_end|>\nSummary above sentence and image in one word:<|im_end|>\n<|im_start|>assistant\n<|endoftext|>")
    assert "cat299" not in said
    assert processor.num_truncated == 2
    assert len([record for record in caplog.records if "a text was cut" in record.getMessage()]) == 1
    short = Content("look", (image(),))
    assert torch.equal(make(checkpoint, max_length=120).encode(short).input_ids, make(checkpoint).encode(short).input_ids)


def test_media_that_do_not_fit_are_refused_by_size(checkpoint):
    with pytest.raises(
        DataError, match=r"at most encoder.max_length \(60\).*text: the prompt with image of 16 tokens, video of 8 tok.*pixel caps"
    ):
        make(checkpoint, max_length=60).encode(Content("some text", (image(112, 112), video(4))))


def test_a_kind_of_media_that_the_family_does_not_read_is_refused(checkpoint):
    processor = make(checkpoint)
    assert set(processor.reader.modalities) == {Modality.IMAGE, Modality.VIDEO}
    processor.reader.modalities = (Modality.VIDEO,)
    assert processor.encode(Content(media=(video(2),))).num_tokens
    with pytest.raises(DataError, match=r"a medium for this encoder must be one of video, but is 'image'. Take another encoder"):
        processor.encode(Content("a cat", (video(2), image())))


def test_kinds_of_media_may_have_tensors_of_their_own(checkpoint):
    def read(medium):
        name = {Modality.IMAGE: "seen", Modality.VIDEO: "played"}[medium.modality]
        return ReadMedium([5], {name: torch.tensor([medium.fingerprint]), "both": torch.tensor([medium.fingerprint])})

    processor = make(checkpoint)
    processor.reader = SimpleNamespace(read=read, modalities=MEDIA)
    contents = [Content(media=(image(name=1),)), Content(media=(video(2, name=2), image(name=3))), Content(media=(video(2, name=4),))]
    batch = processor.pad([processor.encode(content) for content in contents], range(3))
    assert {name: tensor.tolist() for name, tensor in batch.media.items()} == {
        "seen": [1, 3],
        "played": [2, 4],
        "both": [1, 2, 3, 4],
        "fingerprints": [1, 2, 3, 4],
        "modalities": [2, 4, 2, 4],
    }


def test_padding_is_on_the_right_and_media_keep_their_order(checkpoint):
    processor = make(checkpoint)
    contents = [Content("a cat"), Content("<|VIDEO|> and", (image(name=3), video(2, name=4))), Content(media=(image(28, 56, name=5),))]
    encoded = [processor.encode(content) for content in contents]
    batch = processor.pad(encoded, [4, 2, 9])
    assert batch.contents.tolist() == [4, 2, 9]
    assert batch.media["fingerprints"].tolist() == [3, 4, 5]
    assert batch.media_names == [(3, Modality.IMAGE.value), (4, Modality.VIDEO.value), (5, Modality.IMAGE.value)]
    assert batch.media["grids"].prod(1).shape == (3,)
    assert len(batch.media["patches"]) == int(batch.media["grids"].prod(1).sum())
    for row, one in enumerate(encoded):
        assert batch.input_ids[row, : one.num_tokens].tolist() == one.input_ids.tolist()
        assert batch.attention_mask[row].tolist() == [1] * one.num_tokens + [0] * (batch.input_ids.shape[1] - one.num_tokens)
        assert int(batch.token_types[row, one.num_tokens :].sum()) == 0
