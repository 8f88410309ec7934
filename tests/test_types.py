from hashlib import blake2b

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unite.batch import index_tensor
from unite.errors import DataError
from unite.types import (
    MEDIA,
    PLACES,
    Content,
    Example,
    Medium,
    Modality,
    escape_places,
    fingerprint,
    modality_of,
    plain_text,
    without_instruction,
)


def picture(number, modality=Modality.IMAGE, num_frames=1):
    return Medium(modality, np.zeros((num_frames, 2, 2, 3), np.uint8), number, tuple(range(num_frames)))


@pytest.mark.parametrize("name", ["text", "image", "video", "text+image", "text+video", "image+video", "text+image+video"])
def test_a_modality_is_read_as_it_is_written(name):
    modality = Modality.parse(name)
    assert str(modality) == name and modality == Modality.parse(name.replace("+", ", ").upper())  # as the paper's authors write it
    assert Modality(modality.value) is modality and len(modality) == name.count("+") + 1


def test_a_fusion_is_a_modality_of_its_own():
    assert Modality.parse("text+image") not in (Modality.TEXT, Modality.IMAGE)
    assert MEDIA[:2] == (Modality.IMAGE, Modality.VIDEO) and Modality.TEXT not in MEDIA and Modality.VIDEO.place == "<|VIDEO|>"


@pytest.mark.parametrize("name", ["images", "", "text+"])
def test_an_unknown_modality_is_named(name):
    with pytest.raises(DataError, match="modality must be one of .*image, text, video, but is .* It was read from "):
        Modality.parse(name)


def test_a_place_in_a_text_is_no_text():
    assert modality_of(" <|IMAGE|>\n", [Modality.IMAGE]) is Modality.IMAGE
    assert modality_of("<|IMAGE|> a cat", [Modality.IMAGE, Modality.VIDEO]) == Modality.parse("text+image+video")
    assert modality_of("<|IMAGE|> <|INSTRUCTION|>\n", [Modality.IMAGE]) is Modality.IMAGE
    assert modality_of("a <|SCENT|>", []) is Modality.TEXT and modality_of(" ", []) == Modality(0)
    assert Content("<|VIDEO|>", (picture(1, Modality.VIDEO),)).modality is Modality.VIDEO


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"modality": Modality.TEXT}, "the modality of a medium must be image or video.*, but is 'text'"),
        ({"modality": Modality.parse("image+video")}, "must be image or video.*, but is 'image.video'"),
        ({"frames": np.zeros((2, 2, 3), np.uint8)}, r"must be uint8 of shape \(frames, height, width, 3\), but is 'uint8 \(2, 2, 3\)'"),
        ({"frames": np.zeros((1, 2, 2, 4), np.uint8)}, "frames of a medium must be"),
        ({"frames": np.zeros((0, 2, 2, 3), np.uint8)}, "frames of a medium must be"),
        ({"frames": np.zeros((1, 2, 2, 3), np.float32)}, "frames of a medium must be .* but is 'float32"),
        ({"seconds": (0.0, 1.0)}, "seconds must be one number for each of 1 frames, but is 2"),
    ],
)
def test_a_medium_is_checked(changes, message):
    with pytest.raises(DataError, match=message):
        Medium(**{"modality": Modality.IMAGE, "frames": np.zeros((1, 2, 2, 3), np.uint8), "fingerprint": 1} | changes)


def test_a_frame_stands_for_its_share_of_the_duration_or_for_the_mean_gap():
    frames = np.zeros((3, 2, 2, 3), np.uint8)
    assert Medium(Modality.VIDEO, frames, 1, (0.0, 1.0, 4.0), 6.0).frame_gap == 2.0
    assert Medium(Modality.VIDEO, frames, 1, (1.0, 2.0, 4.0)).frame_gap == 1.5
    assert Medium(Modality.VIDEO, frames[:1], 1).frame_gap == 0.0


def test_equal_contents_are_told_by_all_that_reaches_the_encoder():
    contents = [
        Content("a"),
        Content("b"),
        Content("a", instruction="find"),
        Content("", instruction="a"),
        Content("a", (picture(1),)),
        Content("a", (picture(2),)),
        Content("a", (picture(1), picture(2))),
        Content("a", (picture(2), picture(1))),
    ]
    assert len({content.fingerprint for content in contents}) == len(contents)
    assert Content("a", (picture(1),), group="g").fingerprint == contents[4].fingerprint


def test_contents_of_one_group_have_one_identity():
    assert Content("a", group="g").identity == Content("b", group="g").identity != Content("a", group="h").identity
    assert Content("a").identity == Content("a").fingerprint != Content("a", group="a").identity


def test_an_example_has_a_positive():
    with pytest.raises(DataError, match="positives of s/0/1 must be at least one content, but is 0"):
        Example("s/0/1", "s", Content("a"), ())


def test_a_fingerprint_is_63_bits_of_blake2b_over_the_parts_and_their_lengths():
    data = (2).to_bytes(8, "little") + b"ab" + (3).to_bytes(8, "little") + "cé".encode()
    assert fingerprint("ab", "cé".encode()) == int.from_bytes(blake2b(data, digest_size=8).digest(), "little") >> 1
    assert fingerprint("ab", "c") != fingerprint("a", "bc") != fingerprint("abc")
    tensor = index_tensor([fingerprint(str(number)) for number in range(100)])  # int64 holds them
    assert tensor.dtype == torch.int64 and (tensor >= 0).all() and len(tensor.unique()) == 100


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("<|IMAGE|>\n<|INSTRUCTION|> What is it?\n", "<|IMAGE|>\nWhat is it?"),
        ("<|IMAGE|>\n<|INSTRUCTION|>\n", ""),
        ("<|INSTRUCTION|> a dog.\n", "a dog."),
        (" a dog\n", " a dog\n"),
        ("<|IMAGE|>", "<|IMAGE|>"),
    ],
)
def test_a_text_without_its_instruction(text, bare):
    assert without_instruction(text) == bare


@given(
    st.lists(
        st.sampled_from(["<", "|", ">", "\\", "IMAGE", "VIDEO", "INSTRUCTION", "AUDIO", "<|IMAGE|>", "<\\|IMAGE|>", "a ", "<|im_end|>"])
    )
)
def test_what_people_wrote_is_said_again_to_the_letter_and_holds_no_place(parts):
    text = "".join(parts)
    stored = escape_places(text)
    assert plain_text(stored) == text and not PLACES.search(stored)
    assert stored == text or "<|" in text or "<\\" in text  # any other text is stored as it is


def test_a_place_is_told_from_what_people_wrote():
    text = f"{Modality.IMAGE.place}{escape_places('<|IMAGE|> tags')}"
    assert text == r"<|IMAGE|><\|IMAGE|> tags" and plain_text(text, "") == "<|IMAGE|> tags"
    assert modality_of(escape_places("<|IMAGE|>"), ()) is Modality.TEXT
    assert escape_places("<|IMAGE|> <|INSTRUCTION|>", but=["<|IMAGE|>"]) == r"<|IMAGE|> <\|INSTRUCTION|>"


def test_half_of_a_surrogate_pair_is_no_text():
    with pytest.raises(DataError, match=r"a text must be Unicode, but is .*a cat .+ud83d here"):
        fingerprint("a cat \ud83d here")
