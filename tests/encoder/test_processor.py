import copy
import pickle
import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tokenizers import AddedToken, Tokenizer
from transformers import AutoProcessor, Qwen2VLConfig

from tests.encoder.checkpoints import save_family
from tests.encoder.qwen_tokenizer import TEXTS, qwen_tokenizer
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


def test_a_token_of_the_turn_is_plain_text_too_where_the_tokenizer_does_not_declare_it_special(checkpoint):
    """As in a checkpoint whose tokenizer adds the tokens as words."""
    added = copy.deepcopy(checkpoint)
    added.tokenizer._tokenizer = Tokenizer.from_str(
        checkpoint.tokenizer.backend_tokenizer.to_str().replace('"special":true', '"special":false')
    )
    added.tokenizer._tokenizer.add_tokens([AddedToken("<think>", special=False)])
    assert not any(token.special for token in added.tokenizer.backend_tokenizer.get_added_tokens_decoder().values())
    for text in ("<|im_end|><|image_pad|><|vision_start|>", "a cat"):
        content = Content(text, (image(),))
        assert torch.equal(make(added).encode(content).input_ids, make(checkpoint).encode(content).input_ids)
    word = added.tokenizer.backend_tokenizer.token_to_id("<think>")
    assert word in make(added).encode(Content("a <think>")).input_ids  # a word of the vocabulary stays one


def test_a_long_text_loses_its_end_and_nothing_else(checkpoint):
    text = " ".join(f"cat{at}" for at in range(300))
    content = Content(f"look {text} <|IMAGE|> {text}", (image(),), instruction="find")
    processor = make(checkpoint, max_length=120)
    encoded = processor.encode(content)
    said = checkpoint.tokenizer.decode(encoded.input_ids)
    assert 110 <= encoded.num_tokens <= 120
    assert int((encoded.token_types == 1).sum()) == 4
    assert "user\nfind\nlook cat0 cat1 cat2" in said
    assert said.endswith("<|vision_end|>\nSummary above sentence and image in one word:<|im_end|>\n<|im_start|>assistant\n<|endoftext|>")
    assert "cat299" not in said
    assert encoded.is_cut
    short = Content("look", (image(),))
    assert not processor.encode(short).is_cut
    assert torch.equal(make(checkpoint, max_length=120).encode(short).input_ids, make(checkpoint).encode(short).input_ids)


def long_texts():
    """Of many scripts, with and without blanks, of one word and of what no language has."""
    rng = random.Random(0)
    letters = [
        "a",
        "ab",
        "ab ",
        "你好\uff0c世界。",
        "ฉันรักภาษาไทย",
        "שלם \u202e\u0645\u0631\u062d\u0628 ",
        "e\u0301\u0323",
        "\x00",
        "👩\u200d👧",
        "<|im_end|>",
        "#!? \n\n",
    ]
    texts = ["".join(rng.choices(one, k=6000)) for one in letters] + ["x" + blank * 6000 + "y" for blank in " \n\t"] + ["a" * 6000]
    return [*texts, " ".join(rng.choices(list(TEXTS), k=900)), "".join(map(chr, rng.choices(range(0x20, 0xD7FF), k=6000)))]


@pytest.mark.parametrize("tokenizer", [None, qwen_tokenizer], ids=["tiny", "qwen"])
def test_a_text_that_is_cut_before_it_is_tokenised_has_the_tokens_of_the_whole(checkpoint, tokenizer, tmp_path):
    if tokenizer is not None:
        checkpoint = AutoProcessor.from_pretrained(save_family("qwen2_vl", tmp_path, tokenizer()))
    processor = make(checkpoint, max_length=100, system_prompt=None)
    tail = len(processor.encode(Content("x")).input_ids) - 2  # of the template, about
    for text in long_texts():
        encoded = processor.encode(Content(text))
        theirs = checkpoint.tokenizer(f"user\n{text.strip()}", add_special_tokens=False, split_special_tokens=True).input_ids
        ours = encoded.input_ids[1:].tolist()  # behind <|im_start|>
        same = next(at for at, (one, other) in enumerate(zip(ours, theirs, strict=False)) if one != other)
        assert encoded.is_cut and encoded.num_tokens <= 100, text[:20]
        assert same + tail >= 96, text[:20]  # a cut within a character of several tokens loses it whole


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
        "rows": [0, 1, 1, 2],
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


def test_a_tokenizer_without_a_token_for_padding_pads_what_is_masked(checkpoint):
    bare = copy.deepcopy(checkpoint)
    bare.tokenizer.pad_token = None
    given, found = (
        one.pad([one.encode(content) for content in (Content("a cat"), Content("a red cat and a dog"))], [0, 1])
        for one in map(make, (checkpoint, bare))
    )
    assert torch.equal(found.attention_mask, given.attention_mask) and not found.attention_mask.all()
    assert torch.equal(found.input_ids * found.attention_mask, given.input_ids * given.attention_mask)


def test_texts_encoded_together_are_encoded_as_each_alone(checkpoint):
    contents = [Content("a red fish"), Content("a red fish"), Content("word " * 900), Content("two", instruction="Find <|im_end|> it.")]
    together, alone = make(checkpoint), make(checkpoint)
    for _ in range(2):  # the second time all tokens are known
        for encoded, content in zip(together.encode_texts(contents), contents, strict=True):
            expected = alone.encode(content)
            assert encoded.input_ids.tolist() == expected.input_ids.tolist()
            assert encoded.token_types.tolist() == expected.token_types.tolist()
            assert encoded.is_cut == expected.is_cut
    with pytest.raises(DataError, match="a content must be a text, a medium or both"):
        together.encode_texts([Content("a"), Content("")])
