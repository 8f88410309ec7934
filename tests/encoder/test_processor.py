import logging
import pickle

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoProcessor, Qwen2VLVideoProcessor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from unite.encoder.families.patches import cut_patches
from unite.encoder.families.qwen_reader import QwenReader
from unite.encoder.families.qwen_vl import QwenVL
from unite.encoder.processor import ContentProcessor
from unite.encoder.prompt import Prompt
from unite.errors import DataError
from unite.types import Content, Medium, Modality


@pytest.fixture(scope="module")
def checkpoint(tiny_folder):
    return AutoProcessor.from_pretrained(tiny_folder)


def make(checkpoint, max_length=200, **caps):
    caps = {"min_image_tokens": 1, "max_image_tokens": 16, "max_frame_pixels": 56 * 84} | caps
    return ContentProcessor(checkpoint, QwenReader(checkpoint, **caps), QwenVL.token_types, Prompt(), max_length)


def noise(frames, height, width):
    return np.random.default_rng(0).integers(0, 255, (frames, height, width, 3), dtype=np.uint8)


def image(height=56, width=56, name=7):
    return Medium(Modality.IMAGE, noise(1, height, width), name)


def video(frames, height=56, width=56, name=8):
    return Medium(Modality.VIDEO, noise(frames, height, width), name, tuple(0.5 * at for at in range(frames)))


@pytest.mark.parametrize("size", [(84, 112), (100, 130), (300, 90), (13, 40), (640, 480)])
def test_images_are_resized_as_the_pillow_processor_does(checkpoint, size):
    frames = noise(1, *size)
    plain = Qwen2VLImageProcessorPil(size={"shortest_edge": 28 * 28, "longest_edge": 16 * 28 * 28}, do_rescale=False, do_normalize=False)
    expected = plain(images=[Image.fromarray(frames[0])], return_tensors="pt")
    encoded = make(checkpoint).encode(Content(media=(Medium(Modality.IMAGE, frames, 1),)))
    assert encoded.media["grids"].tolist() == expected["image_grid_thw"].tolist()
    torch.testing.assert_close(encoded.media["patches"].float(), expected["pixel_values"].float(), rtol=0, atol=0)


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize(("num_frames", "height", "width"), [(1, 56, 84), (2, 28, 28), (5, 84, 56), (12, 56, 112)])
def test_patches_are_those_of_the_video_processor(checkpoint, num_frames, height, width, planar):
    frames = noise(num_frames, height, width)
    own = Qwen2VLVideoProcessor(do_resize=False, do_rescale=False, do_normalize=False, cap_pixels_per_frame=False)
    expected = own(videos=[frames], do_sample_frames=False, return_tensors="pt")
    if planar:  # as frames that curation stored are decoded
        frames = np.ascontiguousarray(frames.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)
    patches, grid = cut_patches(frames, 14, 2, 2)
    assert [list(grid)] == expected["video_grid_thw"].tolist()
    torch.testing.assert_close(torch.from_numpy(patches).float(), expected["pixel_values_videos"].float(), rtol=0, atol=0)


def test_patches_normalised_are_those_of_the_processor_to_rounding(checkpoint):
    frames = noise(1, 56, 84)
    plain = Qwen2VLImageProcessorPil(size={"shortest_edge": 28 * 28, "longest_edge": 16 * 28 * 28})
    expected = plain(images=[Image.fromarray(frames[0])], return_tensors="pt")["pixel_values"]
    mean, std = (torch.tensor(values).repeat_interleave(2 * 14 * 14) for values in (plain.image_mean, plain.image_std))
    patches = make(checkpoint).encode(Content(media=(Medium(Modality.IMAGE, frames, 1),))).media["patches"]
    torch.testing.assert_close((patches / 255 - mean) / std, expected, rtol=0, atol=1e-5)


def test_frames_stay_within_their_own_cap_and_an_odd_last_one_is_repeated(checkpoint):
    encoded = make(checkpoint).encode(Content(media=(video(3, 400, 600),)))
    time, height, width = encoded.media["grids"][0].tolist()
    assert (time, encoded.media["intervals"].tolist()) == (2, [1.0])
    assert height * width * 14 * 14 <= 56 * 84
    odd, even = (make(checkpoint).encode(Content(media=(video(frames),))) for frames in (3, 4))
    last = odd.media["patches"][16:].unflatten(1, (3, 2, 14 * 14))
    assert torch.equal(last[:, :, 0], last[:, :, 1])
    assert not torch.equal(odd.media["patches"], even.media["patches"])


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


def test_a_strip_of_an_image_is_refused(checkpoint):
    with pytest.raises(DataError, match="the image of 900 x 2 pixels cannot be resized"):
        make(checkpoint).encode(Content(media=(image(2, 900),)))


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
