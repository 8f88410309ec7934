"""The turn, against strings written out by hand, and its tokens, against those of transformers' processor."""

import logging
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from tokenizers.processors import TemplateProcessing
from transformers import AutoConfig, AutoProcessor, AutoTokenizer
from transformers.video_utils import VideoMetadata

from tests.encoder.chat_text import chat_text
from tests.encoder.checkpoints import save_family
from unite.config.prompts import prompt_options
from unite.config.schema import PromptConfig, ReadingConfig
from unite.data.mmeb import split_instruction
from unite.embedding.fingerprints import prompt_fingerprint
from unite.encoder.families import family_of
from unite.encoder.processor import ContentProcessor
from unite.encoder.prompt import Prompt, Special, Text
from unite.encoder.vlm import VLMEncoder
from unite.errors import ConfigError, DataError
from unite.types import Content, Medium, Modality, escape_places

# Sizes that no family's processor changes.
IMAGE = Medium(Modality.IMAGE, np.zeros((1, 224, 448, 3), np.uint8), 1)
VIDEO = Medium(Modality.VIDEO, np.zeros((2, 224, 224, 3), np.uint8), 2, (0.0, 1.0))
SYSTEM = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
END = "<|im_end|>\n<|im_start|>assistant\n<|endoftext|>"
I = "<|vision_start|><|image_pad|><|vision_end|>"  # noqa: E741
V = "<|vision_start|><|video_pad|><|vision_end|>"


def turn(content, system="You are a helpful assistant."):
    return chat_text(Prompt(system=system).segments(content), content)


@pytest.mark.parametrize(
    ("content", "user"),
    [
        (Content("a cat"), "a cat\nSummary above sentence in one word:"),
        (Content(media=(IMAGE,)), f"{I}\nSummary above image in one word:"),
        (Content(media=(VIDEO,)), f"{V}\nSummary above video in one word:"),
        (Content("a cat", (IMAGE,)), f"{I}\na cat\nSummary above sentence and image in one word:"),
        (Content("a cat", (VIDEO,)), f"{V}\na cat\nSummary above sentence and video in one word:"),
        (Content(media=(IMAGE, VIDEO)), f"{I}\n{V}\nSummary above image and video in one word:"),
        (Content("a cat", (IMAGE, VIDEO)), f"{I}\n{V}\na cat\nSummary above sentence and image and video in one word:"),
        (Content("like <|IMAGE|> but red", (IMAGE,)), f"like {I} but red\nSummary above sentence and image in one word:"),
        (Content("<|IMAGE|>", (IMAGE,)), f"{I}\nSummary above image in one word:"),
        (Content("see <|VIDEO|>", (IMAGE, VIDEO)), f"{I}\nsee {V}\nSummary above sentence and image and video in one word:"),
        (Content("a cat", instruction="Find it."), "Find it.\na cat\nSummary above sentence in one word:"),
        (Content(media=(IMAGE,), instruction="Find it."), f"{I}\nFind it.\nSummary above sentence and image in one word:"),
        (Content("red <|IMAGE|>", (IMAGE,), "Find it."), f"Find it.\nred {I}\nSummary above sentence and image in one word:"),
    ],
)
def test_turn(content, user):
    assert turn(content) == f"{SYSTEM}<|im_start|>user\n{user}{END}"
    assert turn(content, system=None) == f"<|im_start|>user\n{user}{END}"


@pytest.mark.parametrize("name", ["unite", "qwen3_vl_embedding", "gme", "vlm2vec", "plain"])
def test_one_prompt_lays_out_many_contents_as_one_of_each_does(name):
    """Blanks at the ends, and a sign that may begin a place, are the text's own or stripped, whichever way it goes."""
    config, instructions = prompt_options(name)["prompt"], ("", "Find it.", "Find it")
    kinds = [(text, media) for text in ("", "  a + b \n", "  a < b \n") for media in ((), (IMAGE,), (VIDEO, IMAGE)) if text or media]
    contents = [Content(text, media, instruction) for text, media in kinds for instruction in instructions]
    many = Prompt(config)
    laid_out = {(one.text, one.media, one.instruction): many.segments(one) for one in contents}
    assert list(laid_out.values()) == [Prompt(config).segments(content) for content in contents]
    for (text, media, instruction), segments in laid_out.items():
        other = laid_out[text.replace("+", "<"), media, instruction]
        assert [replace(part, text=part.text.replace("+", "<")) if isinstance(part, Text) else part for part in segments] == other


def test_only_the_template_makes_special_tokens():
    segments = Prompt().segments(Content("<|im_end|> <|endoftext|>"))
    assert Text("<|im_end|> <|endoftext|>", of_user=True) in segments
    assert sum(isinstance(one, Special) for one in segments) == 6


LITERAL = r"<|IMAGE|> <\|IMAGE|> <|INSTRUCTION|> <|VIDEO|> <|AUDIO|>"


@pytest.mark.parametrize("name", ["unite", "gme", "vlm2vec", "qwen3_vl_embedding", "plain"])
def test_places_that_people_wrote_are_text_in_every_prompt(name):
    prompt, literal = Prompt(prompt_options(name)["prompt"]), escape_places(LITERAL)
    for text, media, instruction in ((literal, (), ""), (literal, (IMAGE,), literal), (f"see <|IMAGE|>{literal}", (IMAGE,), "Find it.")):
        said = chat_text(prompt.segments(Content(text, media, instruction)), Content(text, media, instruction))
        assert said.count(LITERAL) == [text, instruction].count(literal) + ("see" in text) and said.count("<|image_pad|>") == len(media)


@pytest.mark.parametrize("content", [Content(), Content("  \n"), Content(instruction="Find it.")])
def test_empty_content_is_refused(content):
    with pytest.raises(DataError, match="a content must be a text, a medium or both, but is 'empty'"):
        turn(content)


@pytest.mark.parametrize(
    ("text", "media"),
    [("a <|IMAGE|>", ()), ("<|IMAGE|> <|IMAGE|>", (IMAGE,)), ("<|VIDEO|>", (IMAGE,)), ("<|VIDEO|><|IMAGE|>", (IMAGE, VIDEO))],
)
def test_places_must_be_those_of_the_media(text, media):
    with pytest.raises(DataError, match="the places in a text must be those of its media.*Give each medium one place"):
        turn(Content(text, media))


def test_a_medium_without_a_place_is_said_once(caplog):
    prompt = Prompt()
    with caplog.at_level(logging.INFO):
        for text in ("", "one", "two"):
            prompt.segments(Content(text, (IMAGE,)))
    assert [record.getMessage() for record in caplog.records] == ["a medium has no place in its text ('one'): it stands first. Said once."]


def test_an_instruction_stands_where_the_text_has_its_place():
    published = Content("<|IMAGE|>\n<|INSTRUCTION|> What is it?\n", (IMAGE,), "Answer the question:")
    assert turn(published, None) == (
        f"<|im_start|>user\n{I}\nAnswer the question: What is it?\nSummary above sentence and image in one word:{END}"
    )
    assert published.modality == Modality.TEXT | Modality.IMAGE
    only_asked = Content("<|IMAGE|>\n<|INSTRUCTION|>\n", (IMAGE,), "Represent it.")
    assert turn(only_asked, None) == f"<|im_start|>user\n{I}\nRepresent it.\nSummary above sentence and image in one word:{END}"
    assert only_asked.modality == Modality.IMAGE
    assert turn(Content("<|IMAGE|>\n<|INSTRUCTION|> red", (IMAGE,)), None) == turn(Content("<|IMAGE|>\nred", (IMAGE,)), None)
    twice = Content("a <|INSTRUCTION|> b <|INSTRUCTION|> c", instruction="I")
    assert turn(twice, None) == f"<|im_start|>user\na I b c\nSummary above sentence in one word:{END}"


def gme(system, user):
    return f"<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n{user}<|im_end|>\n<|im_start|>assistant\n<|endoftext|>"


def qwen(system, user):
    """Qwen's chat template of a system and a user turn, with a generation prompt; the rest is the tokenizer's."""
    return f"<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n{user}<|im_end|>\n<|im_start|>assistant\n"


#: A VQA row of MMEB, a class of ImageNet, a caption to an image, and a target, as `unite.data.mmeb` reads the published texts.
PUBLISHED = {
    text: split_instruction(text, "<|image_1|>" in text)
    for text in (
        "<|image_1|>\nRepresent the given image with the following question: What is the man by the bags awaiting?\n",
        "<|image_1|>\nRepresent the given image for classification\n",
        "Find me an everyday image that matches the given caption: A man on a bike.\n",
        "<|image_1|>\nRepresent the given image.\n",
        "tench",
    )
}


def published(text):
    written, instruction = PUBLISHED[text]
    return Content(written, (IMAGE,) if "<|image_1|>" in text else (), instruction)


VQA, CLASS, CAPTION, TARGET, WORD = map(published, PUBLISHED)
FOLLOWING, EVERYDAY = "Represent the given image with the following question:", "Find me an everyday image that matches the given caption:"
RED = Content("make it red", (IMAGE,), "Find it")
#: What the authors' code makes of each content before it is tokenised; where it was read is told in `unite/encoder/prompt.py`.
AUTHORS = [
    # embed(texts, images, instruction=...)
    ("gme", Content("a cat"), gme("You are a helpful assistant.", "a cat")),
    ("gme", Content(media=(IMAGE,)), gme("You are a helpful assistant.", I)),
    ("gme", RED, gme("Find it", f"{I}make it red")),
    ("gme", VQA, gme(FOLLOWING, f"{I}What is the man by the bags awaiting?")),
    ("gme", CAPTION, gme(EVERYDAY, "A man on a bike.")),
    # format_model_input(text, image, video, instruction): a full stop is added, videos come before images
    ("qwen3_vl_embedding", Content("a cat"), qwen("Represent the user's input.", "a cat")),
    ("qwen3_vl_embedding", RED, qwen("Find it.", f"{I}make it red")),
    ("qwen3_vl_embedding", Content("red", (IMAGE,), "Is it?"), qwen("Is it?", f"{I}red")),
    ("qwen3_vl_embedding", Content("<|IMAGE|>\n<|VIDEO|> red", (IMAGE, VIDEO)), qwen("Represent the user's input.", f"{V}{I}red")),
    ("qwen3_vl_embedding", VQA, qwen(FOLLOWING, f"{I}What is the man by the bags awaiting?")),
    ("qwen3_vl_embedding", CLASS, qwen("Represent the given image for classification.", I)),
    # process_input_text(instruction, "qwen2_vl", text, add_image_token=...), and the texts of MMEB as they were published
    ("vlm2vec", Content("a cat"), "a cat"),
    ("vlm2vec", Content("a cat", instruction="Find it:"), "Find it: a cat"),
    ("vlm2vec", Content(media=(VIDEO,), instruction="Understand it."), "<|video_pad|> Understand it."),
    ("vlm2vec", RED, "<|image_pad|> Find it make it red"),
    ("vlm2vec", Content("<|VIDEO|>\nmake it red", (VIDEO,), "Find it"), "<|video_pad|> Find it make it red"),
    *(("vlm2vec", published(text), text.replace("<|image_1|>", "<|image_pad|>")) for text in PUBLISHED),
    *(("plain", content, f"{text}<|endoftext|>") for content, text in ((Content("a cat"), "a cat"), (RED, f"{I}\nFind it\nmake it red"))),
]


@pytest.fixture(scope="module")
def checkpoints(tiny_folder, tmp_path_factory):
    """Of the architectures that the authors' code is for; Qwen3-VL-Embedding's tokenizer ends a text itself."""
    tokenizer, folder = AutoTokenizer.from_pretrained(tiny_folder), tmp_path_factory.mktemp("families")
    found = {"qwen2_vl": save_family("qwen2_vl", folder, tokenizer)}
    ending = TemplateProcessing(
        single="$A <|endoftext|>", special_tokens=[("<|endoftext|>", tokenizer.convert_tokens_to_ids("<|endoftext|>"))]
    )
    tokenizer.backend_tokenizer.post_processor = ending
    return found | {"qwen3_vl": save_family("qwen3_vl", folder, tokenizer)}


def processor_of(folder, name, **settings):
    checkpoint = AutoProcessor.from_pretrained(folder)
    config = ReadingConfig(min_image_tokens=1, **prompt_options(name) | settings)
    return ContentProcessor(checkpoint, family_of(folder.name, folder)(AutoConfig.from_pretrained(folder), checkpoint), config)


@pytest.mark.parametrize(("name", "content", "text"), AUTHORS)
def test_tokens_are_those_of_the_authors_code(checkpoints, name, content, text):
    folder = checkpoints["qwen3_vl" if name == "qwen3_vl_embedding" else "qwen2_vl"]
    encoded = processor_of(folder, name).encode(content)
    theirs = AutoProcessor.from_pretrained(folder)
    media = sorted(content.media, key=lambda medium: text.find(f"{medium.modality}_pad"))
    images = [Image.fromarray(medium.frames[0]) for medium in media if medium.modality is Modality.IMAGE]
    videos = [torch.from_numpy(medium.frames).permute(0, 3, 1, 2) for medium in media if medium.modality is Modality.VIDEO]
    metadata = [VideoMetadata(total_num_frames=2, fps=1.0, frames_indices=[0, 1]) for _ in videos]
    given = {"images": images or None, "videos": videos or None, "video_metadata": metadata or None}
    expected = theirs(text=[text], **given, do_sample_frames=False, do_resize=False, return_tensors="pt")
    assert encoded.input_ids.tolist() == expected["input_ids"][0].tolist()
    assert encoded.media.get("modalities", torch.empty(0)).tolist() == [medium.modality.value for medium in media]
    if media:  # the patches are in the order of the tokens
        assert encoded.media["grids"].tolist() == [expected[f"{medium.modality}_grid_thw"][0].tolist() for medium in media]
    if name == "qwen3_vl_embedding":
        assert encoded.input_ids[-1] == theirs.tokenizer.convert_tokens_to_ids("<|endoftext|>")


def test_media_in_the_midst_of_a_text_stay_there():
    content = Content("<|IMAGE|> like <|IMAGE|> but red", (IMAGE, IMAGE), "Find it.")
    prompt = Prompt(prompt_options("gme")["prompt"])
    assert chat_text(prompt.segments(content), content) == gme("Find it.", f"{I}like {I} but red")


@pytest.mark.parametrize("name", ["<|nowhere|>", "<|image_pad|>"])
def test_a_special_token_that_the_tokenizer_lacks_is_refused(checkpoints, name):
    mine = PromptConfig(name="mine", template=f"{{content}}{name}")
    message = rf"a special token of the prompt mine must be one that the checkpoint's tokenizer has, .*but is '{re.escape(name)}'"
    with pytest.raises(ConfigError, match=message):
        processor_of(checkpoints["qwen2_vl"], "gme", prompt=mine)


def test_two_prompts_never_share_cached_embeddings(checkpoints):
    folder, texts = checkpoints["qwen2_vl"], ({"after_medium": " "}, {"after_medium": ""}, {"end_instruction": True})
    mine = [PromptConfig(name="mine", template="{instruction}{content}<|endoftext|>", **options) for options in texts]
    assert len({prompt_fingerprint(processor_of(folder, "gme", prompt=one)) for one in mine}) == 3
    assert "prompt_settings" not in vars(processor_of(folder, "gme", prompt=PromptConfig()))  # as before there were others


def test_a_prompt_may_be_named(checkpoints):
    bare = VLMEncoder(str(checkpoints["qwen2_vl"]), prompt="vlm2vec", dtype="float32").config
    assert (bare.prompt.name, bare.prompt.template, bare.positions) == ("vlm2vec", "{content}", "sequential")
    with pytest.raises(ConfigError, match="encoder.positions must be sequential"):
        VLMEncoder(str(checkpoints["qwen2_vl"]), prompt="vlm2vec", positions="mrope")


def test_an_instruction_has_a_system_turn_of_its_own_where_there_is_one():
    prompt = Prompt(PromptConfig(name="mine", template="{instruction_turn}<|im_start|>user\n{content}<|im_end|>"))
    turns = ["<|im_start|>user\na cat<|im_end|>", "<|im_start|>system\nFind it<|im_end|>\n<|im_start|>user\na cat<|im_end|>"]
    for instruction, written in zip(("", " Find it "), turns, strict=True):
        content = Content(text="a cat", instruction=instruction)
        assert chat_text(prompt.segments(content), content) == written
