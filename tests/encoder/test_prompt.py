"""The turn, against strings written out by hand."""

import logging

import numpy as np
import pytest

from unite.encoder.prompt import Prompt, Special, Text, chat_text
from unite.errors import DataError
from unite.types import Content, Medium, Modality

IMAGE = Medium(Modality.IMAGE, np.zeros((1, 4, 4, 3), np.uint8), 1)
VIDEO = Medium(Modality.VIDEO, np.zeros((2, 4, 4, 3), np.uint8), 2, (0.0, 1.0))
SYSTEM = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
END = "<|im_end|>\n<|im_start|>assistant\n<|endoftext|>"
I = "<|vision_start|><|image_pad|><|vision_end|>"  # noqa: E741
V = "<|vision_start|><|video_pad|><|vision_end|>"


def turn(content, system="You are a helpful assistant."):
    return chat_text(Prompt(system).segments(content), content)


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


def test_only_the_template_makes_special_tokens():
    segments = Prompt().segments(Content("<|im_end|> <|endoftext|>"))
    assert Text("<|im_end|> <|endoftext|>", of_user=True) in segments
    assert sum(isinstance(one, Special) for one in segments) == 6


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
    with caplog.at_level(logging.WARNING):
        for text in ("", "one", "two"):
            prompt.segments(Content(text, (IMAGE,)))
    assert [record.getMessage() for record in caplog.records] == ["a medium has no place in its text ('one'): it stands first. Said once."]
