"""FastVLM through the real loading path, against transformers' plain forward pass on its own processor's output."""

from dataclasses import replace

import pytest
import torch
from PIL import Image
from transformers import AutoProcessor, AutoTokenizer

from tests.encoder.checkpoints import save_fast_vlm
from tests.encoder.families.material import TURN, encoder_of, image, micro_batch, plain_embeddings, plain_model, video
from unite.config.schema import LoRAConfig
from unite.data.packing import shared_beginning
from unite.encoder.families.fast_vlm import FastVLM
from unite.errors import CheckpointError, ConfigError, DataError
from unite.types import Content

PAD = "<|image_pad|>"


@pytest.fixture(scope="module", params=["llama", "qwen2"])
def fast(request, tiny_folder, tmp_path_factory):
    return save_fast_vlm(tmp_path_factory.mktemp(request.param), AutoTokenizer.from_pretrained(tiny_folder), request.param)


def contents():
    return [
        Content("a red cat and the moon"),
        Content(media=(image(1, 50, 90),)),
        Content("what is above the dog", media=(image(2, 64, 64),)),
        Content("from <|IMAGE|> to <|IMAGE|> below", media=(image(3, 100, 31), image(1, 50, 90))),
    ]


def inputs_of(folder):
    """What transformers' own processor makes of the same turns."""
    texts = [
        TURN.format("a red cat and the moon", "sentence"),
        TURN.format(PAD, "image"),
        TURN.format(f"{PAD}\nwhat is above the dog", "sentence and image"),
        TURN.format(f"from {PAD} to {PAD} below", "sentence and image"),
    ]
    images = [Image.fromarray(medium.frames[0]) for content in contents() for medium in content.media]
    return AutoProcessor.from_pretrained(folder)(text=texts, images=images, padding=True, padding_side="right", return_tensors="pt")


def test_a_family_says_before_it_is_loaded_what_its_reader_reads(fast):
    assert set(FastVLM.modalities) == set(encoder_of(fast).processor.reader.modalities)


def test_tokens_and_pixels_equal_the_processors(fast):
    expected, encoder = inputs_of(fast), encoder_of(fast)
    batch = micro_batch(encoder, contents())
    mask = expected["attention_mask"]
    assert torch.equal(batch.attention_mask, mask)
    assert torch.equal(batch.input_ids * mask, expected["input_ids"] * mask)
    assert batch.token_types.sum() == 4 * 4  # 4 pictures of 2 x 2 tokens
    torch.testing.assert_close(encoder.family.pixels(batch.media["pixels"]), expected["pixel_values"], rtol=1e-5, atol=1e-5)


def test_embeddings_equal_the_plain_forward_pass(fast):
    encoder = encoder_of(fast)
    encoded = [encoder.processor.encode(content) for content in contents()]
    with torch.no_grad():
        expected = plain_embeddings(plain_model(fast).eval(), inputs_of(fast))
        together = encoder(micro_batch(encoder, contents()))
        once = encoder(replace(encoder.processor.pad(encoded, range(len(encoded))), shared=shared_beginning(encoded)))
        alone = torch.cat(encoder.together([micro_batch(encoder, [content]) for content in contents()]))
        other = encoder_of(fast, attention="eager")
        unhurried = other(micro_batch(other, contents()))
    for found in (together, once, alone, unhurried):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert shared_beginning(encoded) > 5
    assert (together @ together.T - torch.eye(len(together))).abs().max() > 0.01


@pytest.mark.parametrize("checkpointing", [False, True])
def test_gradients_equal_those_of_the_plain_forward_pass(fast, checkpointing):
    """In training mode, in which the tower's batch norms keep their statistics: the plain model's tower is in the other mode."""
    encoder = encoder_of(fast, train_vision=True, gradient_checkpointing=checkpointing).train()
    plain = plain_model(fast).train()
    plain.vision_tower.eval()
    before = {name: buffer.clone() for name, buffer in encoder.model.named_buffers()}
    expected = plain_embeddings(plain, inputs_of(fast))
    weights = torch.linspace(-1, 1, expected.numel()).view_as(expected)
    for embeddings in (encoder(micro_batch(encoder, contents())), expected):
        (embeddings * weights).sum().backward()
    theirs = {name: parameter.grad for name, parameter in plain.named_parameters()}
    for name, parameter in encoder.model.named_parameters():
        scale = theirs[name].abs().max()
        torch.testing.assert_close(parameter.grad / scale, theirs[name] / scale, rtol=1e-4, atol=5e-5, msg=name)
    torch.testing.assert_close(dict(encoder.model.named_buffers()), before, rtol=0, atol=0)


def test_a_projector_is_trained_in_float32_between_parts_of_bfloat16(fast):
    encoder = encoder_of(fast, dtype="bfloat16", train_vision=True, frozen=["vision", "language"])
    encoder.add_adapter()
    (encoder(micro_batch(encoder, contents()))[:, 0].sum()).backward()
    found = {name: parameter.grad for name, parameter in encoder.model.named_parameters() if parameter.grad is not None}
    assert {name.partition(".")[0] for name in found} == {"multi_modal_projector"}
    assert all(grad.dtype == torch.float32 and grad.abs().sum() > 0 for grad in found.values())


def test_an_adapter_merged_and_exported_gives_what_it_gave(fast, tmp_path):
    encoder = encoder_of(fast, adapter=LoRAConfig(r=2, alpha=4, dropout=0.0))
    batch = micro_batch(encoder, contents())
    with torch.no_grad():
        before = encoder(batch)
        encoder.add_adapter()
        for name, parameter in encoder.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.05)
        adapted = encoder(batch)
        encoder.merge_adapter()
        encoder.save(tmp_path / "export")
        again = encoder_of(tmp_path / "export")
        torch.testing.assert_close(again(micro_batch(again, contents())), adapted, rtol=1e-4, atol=1e-5)
    assert (adapted - before).abs().max() > 1e-3


def test_video_is_refused(fast):
    with pytest.raises(DataError, match=r"a medium for this encoder must be one of image, but is .video.\."):
        encoder_of(fast).processor.encode(Content(media=(video(1, 4, 64, 64),)))


def test_bounds_that_leave_out_the_tokens_of_its_images_are_refused(fast):
    with pytest.raises(ConfigError, match="must be around 4, the tokens that every image of this checkpoint has, but is 'from 5 to 64'"):
        encoder_of(fast, min_image_tokens=5)


def test_a_processor_of_another_tower_is_refused(fast, tmp_path, tiny_folder):
    other = save_fast_vlm(tmp_path, AutoTokenizer.from_pretrained(tiny_folder))
    processor = AutoProcessor.from_pretrained(other)
    processor.patch_size = 16
    processor.save_pretrained(other)
    encoder = encoder_of(other)
    with pytest.raises(CheckpointError, match="the features of an image must be 4 x 4, as its processor says, but is '2 x 2'"):
        encoder(micro_batch(encoder, [Content(media=(image(1, 64, 64),))]))
