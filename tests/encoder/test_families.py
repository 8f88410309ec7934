"""Each family through the real loading path, against the plain transformers forward pass on the transformers processor's own output."""

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoModel, AutoProcessor, AutoTokenizer
from transformers.video_utils import VideoMetadata

from tests.encoder.families import FAMILIES, save_family, tiny
from unite.encoder import VLMEncoder
from unite.types import Content, Medium, Modality

TURN = (
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n{}\nSummary above {} in one word:<|im_end|>\n"
    "<|im_start|>assistant\n<|endoftext|>"
)
IMAGE = "<|vision_start|><|image_pad|><|vision_end|>"
VIDEO = "<|vision_start|><|video_pad|><|vision_end|>"
FPS = 4.0


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return AutoTokenizer.from_pretrained(tiny(tmp_path_factory.mktemp("tiny")))


@pytest.fixture(scope="module", params=FAMILIES)
def folder(request, tokenizer, tmp_path_factory):
    return save_family(request.param, tmp_path_factory.mktemp(request.param), tokenizer)


def noise(seed, frames, height, width):
    return np.random.default_rng(seed).integers(0, 255, (frames, height, width, 3), dtype=np.uint8)


def image(seed, height=64, width=96):
    return Medium(Modality.IMAGE, noise(seed, 1, height, width), seed)


def video(seed, frames=5, height=64, width=64):
    return Medium(Modality.VIDEO, noise(seed, frames, height, width), seed, tuple(at / FPS for at in range(frames)))


def side(folder):
    return 32 if "qwen3" in folder.name else 28


def mixed(folder):
    """Contents, and the same as transformers' processor takes them: texts, images, videos. Sizes are multiples of the merged patch."""
    one = side(folder)
    first, second, clip, film = image(1, 2 * one, 3 * one), image(2, one, 2 * one), video(3, 5, 2 * one, 2 * one), video(4, 2, one, 3 * one)
    contents = [
        Content("a red cat and the moon"),
        Content(media=(first,)),
        Content(media=(clip,)),
        Content("what is above the dog", media=(second,)),
        Content("the star moves left", media=(film,), instruction="find the clip"),
    ]
    texts = [
        TURN.format("a red cat and the moon", "sentence"),
        TURN.format(IMAGE, "image"),
        TURN.format(VIDEO, "video"),
        TURN.format(f"{IMAGE}\nwhat is above the dog", "sentence and image"),
        TURN.format(f"{VIDEO}\nfind the clip\nthe star moves left", "sentence and video"),
    ]
    return contents, texts, [first, second], [clip, film]


def reference(folder, texts, images, videos):
    processor = AutoProcessor.from_pretrained(folder)
    metadata = [VideoMetadata(total_num_frames=len(one.frames), fps=FPS, frames_indices=list(range(len(one.frames)))) for one in videos]
    return processor(
        text=texts,
        images=[Image.fromarray(one.frames[0]) for one in images],
        videos=[torch.from_numpy(one.frames).permute(0, 3, 1, 2) for one in videos],
        video_metadata=metadata,
        do_sample_frames=False,
        do_resize=False,
        padding=True,
        return_tensors="pt",
    )


def encoder_of(folder, **settings):
    caps = {"min_image_tokens": 1, "max_image_tokens": 64, "max_frame_pixels": 10**6}
    return VLMEncoder(str(folder), dtype="float32", **caps | settings).eval()


def micro_batch(encoder, contents):
    return encoder.processor.pad([encoder.processor.encode(content) for content in contents], range(len(contents)))


def last_states(hidden, mask):
    return torch.nn.functional.normalize(torch.stack([row[keep.bool()][-1] for row, keep in zip(hidden, mask, strict=True)]), dim=-1)


def test_tokens_and_pixels_equal_the_processors(folder):
    contents, texts, images, videos = mixed(folder)
    expected = reference(folder, texts, images, videos)
    encoder = encoder_of(folder)
    encoded = [encoder.processor.encode(content) for content in contents]
    for one, ids, mask in zip(encoded, expected["input_ids"], expected["attention_mask"], strict=True):
        assert one.input_ids.tolist() == ids[mask.bool()].tolist()
    mean, std = (torch.tensor(getattr(AutoProcessor.from_pretrained(folder).image_processor, f"image_{name}")) for name in ("mean", "std"))
    repeats = encoder.processor.patch_dim // 3
    for patches, pixels in (
        (torch.cat([encoded[1].patches, encoded[3].patches]), expected["pixel_values"]),
        (torch.cat([encoded[2].patches, encoded[4].patches]), expected["pixel_values_videos"]),
    ):
        normalised = (patches / 255 - mean.repeat_interleave(repeats)) / std.repeat_interleave(repeats)
        torch.testing.assert_close(normalised, pixels, rtol=1e-5, atol=1e-5)


def test_embeddings_equal_the_plain_forward_pass(folder):
    contents, texts, images, videos = mixed(folder)
    inputs = reference(folder, texts, images, videos)
    with torch.no_grad():
        hidden = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()(**inputs).last_hidden_state
        expected = last_states(hidden, inputs["attention_mask"])
        encoder = encoder_of(folder)
        together = encoder(micro_batch(encoder, contents))
        alone = torch.cat([encoder(micro_batch(encoder, [content])) for content in contents])
    torch.testing.assert_close(together, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(alone, expected, rtol=1e-5, atol=1e-5)  # padding changes nothing
    assert (together @ together.T - torch.eye(5)).abs().max() > 0.01


def test_sequential_positions_are_plain_ones(folder):
    contents, texts, images, videos = mixed(folder)
    inputs = reference(folder, texts, images, videos)
    positions = (inputs["attention_mask"].cumsum(-1) - 1).clamp(min=0).expand(3, -1, -1)
    with torch.no_grad():
        hidden = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()(**inputs, position_ids=positions).last_hidden_state
        expected = last_states(hidden, inputs["attention_mask"])
        sequential, right = (encoder_of(folder, positions=name) for name in ("sequential", "mrope"))
        batch = micro_batch(right, contents)
        torch.testing.assert_close(sequential(batch), expected, rtol=1e-5, atol=1e-5)
        assert (sequential(batch)[1:] - right(batch)[1:]).abs().max() > 1e-3
        torch.testing.assert_close(sequential(batch)[0], right(batch)[0])  # a text alone knows no other positions


def test_media_can_be_encoded_once_for_several_passes(folder):
    contents, *_ = mixed(folder)
    encoder = encoder_of(folder)
    batch = micro_batch(encoder, contents)
    with torch.no_grad():
        torch.testing.assert_close(encoder(batch, encoder.encode_media(batch)), encoder(batch))
