"""Each family that sees video through the real loading path, against transformers' plain forward pass on its own processor's output.

Of `family.py`, `language_pass.py`, `qwen_vl.py`, `qwen2_vl.py`, `qwen2_5_vl.py`, `qwen3_vl.py` and `qwen3_vl_moe.py` too: a family is right
if it gives what transformers does. FastVLM, which sees no video, has a file of its own.
"""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from transformers import AutoProcessor

from tests.encoder.families.material import (
    PLACES,
    TURN,
    encoder_of,
    image,
    micro_batch,
    mixed,
    official,
    plain_embeddings,
    plain_model,
    reference,
    side_of,
    video,
)
from tests.encoder.qwen_tokenizer import TEXTS
from tests.media.material import clip, decode, photograph
from unite.config.schema import LoRAConfig
from unite.config.schema.media import Decoding
from unite.data.packing import shared_beginning
from unite.encoder import vlm
from unite.types import Content, Medium, Modality


def test_a_family_says_before_it_is_loaded_what_its_reader_reads(folder):
    encoder = encoder_of(folder)
    assert set(type(encoder.family).modalities) == set(encoder.processor.reader.modalities) == set(encoder.processor.reader.pixels)


def test_tokens_and_pixels_equal_the_processors(folder):
    contents, texts = mixed(folder)
    expected = reference(folder, contents, texts)
    encoder = encoder_of(folder)
    encoded = [encoder.processor.encode(content) for content in contents]
    for content, ids, mask in zip(encoded, expected["input_ids"], expected["attention_mask"], strict=True):
        assert content.input_ids.tolist() == ids[mask.bool()].tolist()
    batch = encoder.processor.pad(encoded, range(len(encoded)))
    assert torch.equal(batch.token_types, expected["mm_token_type_ids"])
    pixels = encoder.family.pixels(batch.media["patches"])
    is_image = batch.media["modalities"] == Modality.IMAGE.value
    of_image = is_image.repeat_interleave(batch.media["grids"].prod(1))
    torch.testing.assert_close(pixels[of_image], expected["pixel_values"], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(pixels[~of_image], expected["pixel_values_videos"], rtol=1e-5, atol=1e-5)
    assert torch.equal(batch.media["grids"][is_image], expected["image_grid_thw"])
    assert torch.equal(batch.media["grids"][~is_image], expected["video_grid_thw"])


def test_embeddings_equal_the_plain_forward_pass(folder):
    contents, texts = mixed(folder)
    encoder = encoder_of(folder)
    with torch.no_grad():
        expected = plain_embeddings(plain_model(folder).eval(), reference(folder, contents, texts))
        together = encoder(micro_batch(encoder, contents))
        encoded = [encoder.processor.encode(content) for content in contents]
        once = encoder(replace(encoder.processor.pad(encoded, range(len(encoded))), shared=shared_beginning(encoded)))
        alone = torch.cat([encoder(micro_batch(encoder, [content])) for content in contents])
        other = encoder_of(folder, attention="eager")
        unhurried = other(micro_batch(other, contents))
    torch.testing.assert_close(together, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(alone, expected, rtol=1e-5, atol=1e-5)  # padding changes nothing
    assert shared_beginning(encoded) > 5
    torch.testing.assert_close(once, expected, rtol=1e-5, atol=1e-5)  # nor does passing the prompt's first words once
    torch.testing.assert_close(unhurried, expected, rtol=1e-5, atol=1e-5)
    assert (together @ together.T - torch.eye(len(contents))).abs().max() > 0.01


def test_gradients_equal_those_of_the_plain_forward_pass(folder):
    contents, texts = mixed(folder)
    encoder, plain = encoder_of(folder, train_vision=True).train(), plain_model(folder).train()
    expected = plain_embeddings(plain, reference(folder, contents, texts))
    weights = torch.linspace(-1, 1, expected.numel()).view_as(expected)
    for embeddings in (encoder(micro_batch(encoder, contents)), expected):
        (embeddings * weights).sum().backward()
    theirs = {name: parameter.grad for name, parameter in plain.named_parameters()}
    assert all(gradient is not None for gradient in theirs.values())
    for name, parameter in encoder.model.named_parameters():
        scale = theirs[name].abs().max()
        torch.testing.assert_close(parameter.grad / scale, theirs[name] / scale, rtol=1e-5, atol=2e-5, msg=name)


def test_positions_equal_the_models_own(folder):
    side, draw = side_of(folder), np.random.default_rng(0)
    contents, texts = [], []
    for row in range(20):
        media = []
        for number in range(draw.integers(0, 4)):
            height, width = draw.integers(1, 5, 2) * side
            seed, frames = row * 10 + number, int(draw.integers(1, 8))
            media.append(image(seed, height, width) if draw.random() < 0.5 else video(seed, frames, height, width))
        contents.append(Content("".join(["a cat", *(f" <|{medium.modality.name}|> moon" for medium in media)]), tuple(media)))
        written = "".join(["a cat", *(f" {PLACES[str(medium.modality)]} moon" for medium in media)])
        kinds = [kind for kind in PLACES if kind in {str(medium.modality) for medium in media}]
        texts.append(TURN.format(written, " and ".join(["sentence", *kinds])))
    inputs = reference(folder, contents, texts)
    encoder = encoder_of(folder)
    batch = micro_batch(encoder, contents)
    assert torch.equal(batch.input_ids * batch.attention_mask, inputs["input_ids"] * inputs["attention_mask"])
    expected, _ = plain_model(folder).get_rope_index(**{name: value for name, value in inputs.items() if "pixel" not in name})
    assert torch.equal(encoder.family.positions(batch, sequential=False), expected)


RATES = {2: 8, 25: 83, Fraction(30_000, 1001): 100}


@pytest.mark.parametrize("num_frames", [3, 4, 8])
def test_files_are_read_and_resized_as_the_processor_does(worded_folder, num_frames, tmp_path):
    """Videos of three rates, all frames of one or some: an odd number, whose last is repeated, and even ones; images beside them."""
    decoding = Decoding(min_frames=num_frames, max_frames=num_frames)
    media, paths = [], []
    for number, (rate, length) in enumerate(RATES.items()):
        paths.append(tmp_path / f"{number}.mp4")
        paths[-1].write_bytes(clip(length, rate, seed=number))
        media.append(decode(Modality.VIDEO, paths[-1].read_bytes(), fps=decoding.fps, min_frames=num_frames, max_frames=num_frames))
    pictures = [photograph(seed, 230, 170) for seed in range(2)]
    stills = [Medium(Modality.IMAGE, np.asarray(picture)[None], number) for number, picture in enumerate(pictures)]
    asked = "Two people are cooking at 7:45.\n\nWho's stirring?  It isn't she."
    contents = [
        Content(asked, (media[0],), instruction="find the clip"),
        Content("<|IMAGE|> between <|VIDEO|> and <|IMAGE|>", (stills[0], media[1], stills[1])),
        Content("une cafe\u0301 au lait"),
        Content(media=(media[2],)),
    ]
    texts = [
        TURN.format(f"{PLACES['video']}\nfind the clip\n{asked}", "sentence and video"),
        TURN.format(f"{PLACES['image']} between {PLACES['video']} and {PLACES['image']}", "sentence and image and video"),
        TURN.format("une cafe\u0301 au lait", "sentence"),
        TURN.format(PLACES["video"], "video"),
    ]
    caps = {"min_image_tokens": 4, "max_image_tokens": 16, "max_frame_pixels": 80 * 96}
    inputs = official(worded_folder, texts, pictures, paths, decoding, caps)
    encoder, plain = encoder_of(worded_folder, **caps), plain_model(worded_folder).eval()
    batch = micro_batch(encoder, contents)
    assert torch.equal(batch.input_ids, inputs["input_ids"])
    expected, _ = plain.get_rope_index(**{name: value for name, value in inputs.items() if "pixel" not in name})
    assert torch.equal(encoder.family.positions(batch, sequential=False), expected)
    with torch.no_grad():
        torch.testing.assert_close(encoder(batch), plain_embeddings(plain, inputs), rtol=1e-5, atol=1e-5)


def test_tokens_are_those_of_the_true_tokenizer(worded_folder):
    tokenizer = AutoProcessor.from_pretrained(worded_folder).tokenizer
    assert {text: tokenizer(text).input_ids for text in TEXTS} == TEXTS
    turn = TURN.format("the star moves left", "sentence")
    assert encoder_of(worded_folder).processor.encode(Content("the star moves left")).input_ids.tolist() == TEXTS[turn]


def test_sequential_positions_are_plain_ones(folder):
    contents, texts = mixed(folder)
    inputs = reference(folder, contents, texts)
    positions = (inputs["attention_mask"].cumsum(-1) - 1).clamp(min=0).expand(3, -1, -1)
    with torch.no_grad():
        expected = plain_embeddings(plain_model(folder).eval(), inputs, position_ids=positions)
        sequential, right = (encoder_of(folder, positions=name) for name in ("sequential", "mrope"))
        batch = micro_batch(right, contents)
        torch.testing.assert_close(sequential(batch), expected, rtol=1e-5, atol=1e-5)
        assert (sequential(batch)[1:] - right(batch)[1:]).abs().max() > 1e-3
        torch.testing.assert_close(sequential(batch)[0], right(batch)[0])  # a text alone knows no other positions


def test_an_adapter_merged_and_exported_gives_what_it_gave(folder, tmp_path):
    contents, _ = mixed(folder)
    encoder = encoder_of(folder, adapter=LoRAConfig(r=2, alpha=4, dropout=0.0))
    batch = micro_batch(encoder, contents)
    with torch.no_grad():
        before = encoder(batch)
        encoder.add_adapter()
        torch.manual_seed(0)
        for name, parameter in encoder.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.05)
        adapted = encoder(batch)
        encoder.merge_adapter()
        torch.testing.assert_close(encoder(batch), adapted, rtol=1e-4, atol=1e-5)
        encoder.save(tmp_path / "export")
        again = encoder_of(tmp_path / "export")
        torch.testing.assert_close(again(micro_batch(again, contents)), encoder(batch), rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(again.state_dict(), encoder.state_dict(), rtol=0, atol=0)
    assert (adapted - before).abs().max() > 1e-3


def test_media_can_be_encoded_once_for_several_passes(folder):
    contents, _ = mixed(folder)
    encoder = encoder_of(folder)
    batch = micro_batch(encoder, contents)
    with torch.no_grad():
        torch.testing.assert_close(encoder(batch, encoder.encode_media(batch)), encoder(batch))


def test_the_placeholder_tokens_are_those_of_the_processor(folder):
    processor, encoder = AutoProcessor.from_pretrained(folder), encoder_of(folder)
    contents, _ = mixed(folder)
    batch = micro_batch(encoder, contents)
    for name, number in encoder.family.token_types.items():
        assert torch.equal(batch.input_ids == getattr(processor, name), batch.token_types == number)


@pytest.mark.parametrize("tokens", [1, 10**6])  # that pass at a time
def test_micro_batches_together_are_as_each_alone(folder, tokens, monkeypatch):
    monkeypatch.setattr(vlm, "TOKENS_TOGETHER", tokens)
    contents, _ = mixed(folder)
    contents = [*contents, *reversed(contents), Content("a cat and a longer text than any other of these, so that others are padded")]
    encoder = encoder_of(folder, train_vision=True).train()
    batches = [micro_batch(encoder, contents[begin:end]) for begin, end in ((0, 2), (2, 5), (5, len(contents)))]
    weights = torch.linspace(-1, 1, len(contents) * encoder.dim).view(len(contents), -1)
    found = {}
    for name, embeddings in (("together", encoder.together(batches)), ("alone", [encoder(batch) for batch in batches])):
        encoder.zero_grad()
        (torch.cat(embeddings) * weights).sum().backward()
        found[name] = torch.cat(embeddings).detach(), {name: parameter.grad for name, parameter in encoder.named_parameters()}
    torch.testing.assert_close(found["together"][0], found["alone"][0], rtol=1e-5, atol=1e-5)
    for name, expected in found["alone"][1].items():
        scale = expected.abs().max()
        torch.testing.assert_close(found["together"][1][name] / scale, expected / scale, rtol=1e-5, atol=2e-5, msg=name)
