"""Media as the Qwen-VL families read them, against transformers' own processors."""

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoProcessor, Qwen2VLImageProcessor, Qwen2VLVideoProcessor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from unite.config.schema import ReadingConfig
from unite.encoder.families.qwen_reader import QwenReader
from unite.errors import DataError
from unite.types import Medium, Modality


@pytest.fixture(scope="module")
def checkpoint(tiny_folder):
    return AutoProcessor.from_pretrained(tiny_folder)


def make(checkpoint):
    return QwenReader(checkpoint, ReadingConfig(min_image_tokens=1, max_image_tokens=16, max_frame_pixels=56 * 84))


def noise(frames, height, width):
    return np.random.default_rng(0).integers(0, 255, (frames, height, width, 3), dtype=np.uint8)


def video(frames, height=56, width=56):
    return Medium(Modality.VIDEO, noise(frames, height, width), 8, tuple(0.5 * at for at in range(frames)))


@pytest.mark.parametrize("size", [(84, 112), (100, 130), (300, 90), (13, 40), (640, 480)])
def test_images_are_resized_as_the_processor_does(checkpoint, size):
    frames = noise(1, *size)
    plain = Qwen2VLImageProcessor(size={"shortest_edge": 28 * 28, "longest_edge": 16 * 28 * 28}, do_rescale=False, do_normalize=False)
    frames.flags.writeable = False  # as Pillow gives them
    expected = plain(images=[Image.fromarray(frames[0])], return_tensors="pt")
    medium = make(checkpoint).read(Medium(Modality.IMAGE, frames, 1))
    assert medium.tensors["grids"].tolist() == expected["image_grid_thw"].tolist()
    torch.testing.assert_close(medium.tensors["patches"].float(), expected["pixel_values"].float(), rtol=0, atol=0)


def test_patches_normalised_are_those_of_the_processor_to_rounding(checkpoint):
    frames = noise(1, 56, 84)
    plain = Qwen2VLImageProcessorPil(size={"shortest_edge": 28 * 28, "longest_edge": 16 * 28 * 28})
    expected = plain(images=[Image.fromarray(frames[0])], return_tensors="pt")["pixel_values"]
    mean, std = (torch.tensor(values).repeat_interleave(2 * 14 * 14) for values in (plain.image_mean, plain.image_std))
    patches = make(checkpoint).read(Medium(Modality.IMAGE, frames, 1)).tensors["patches"]
    torch.testing.assert_close((patches / 255 - mean) / std, expected, rtol=0, atol=1e-5)


def test_frames_stay_within_their_own_cap_and_an_odd_last_one_is_repeated(checkpoint):
    medium = make(checkpoint).read(video(3, 400, 600))
    time, height, width = medium.tensors["grids"][0].tolist()
    assert (time, medium.tensors["intervals"].tolist()) == (2, [1.0])
    assert height * width * 14 * 14 <= 56 * 84
    odd, even = (make(checkpoint).read(video(frames)) for frames in (3, 4))
    last = odd.tensors["patches"][16:].unflatten(1, (3, 2, 14 * 14))
    assert torch.equal(last[:, :, 0], last[:, :, 1])
    assert not torch.equal(odd.tensors["patches"], even.tensors["patches"])


@pytest.mark.parametrize("size", [(60, 80), (240, 320), (300, 400), (360, 640)])
def test_small_frames_are_enlarged_as_the_processor_does(checkpoint, size):
    """At the bounds that mteb gives its own UNITE model."""
    bounds = {"shortest_edge": 128 * 28 * 28, "longest_edge": 360 * 420}
    frames = noise(2, *size)
    plain = Qwen2VLVideoProcessor(size=bounds, do_sample_frames=False, do_rescale=False, do_normalize=False)
    expected = plain(videos=[torch.from_numpy(frames).permute(0, 3, 1, 2)], return_tensors="pt")
    reader = QwenReader(checkpoint, ReadingConfig(min_frame_pixels=bounds["shortest_edge"], max_frame_pixels=bounds["longest_edge"]))
    tensors = reader.read(Medium(Modality.VIDEO, frames, 8, (0.0, 1.0))).tensors
    assert tensors["grids"].tolist() == expected["video_grid_thw"].tolist()
    torch.testing.assert_close(tensors["patches"].float(), expected["pixel_values_videos"].float(), rtol=0, atol=0)


def test_a_strip_of_an_image_is_refused(checkpoint):
    with pytest.raises(DataError, match="the image of 900 x 2 pixels cannot be resized"):
        make(checkpoint).read(Medium(Modality.IMAGE, noise(1, 2, 900), 1))
