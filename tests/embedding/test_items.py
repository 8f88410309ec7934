from io import BytesIO, StringIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.media.material import photograph
from unite.embedding.items import GivenItem, given_items, is_one_item
from unite.embedding.medium import Reading
from unite.errors import CollectedError, DataError
from unite.types import Modality

GREEN = Image.new("RGB", (9, 9), "green")
STRINGS = np.array(["a"], dtype=np.dtypes.StringDType())
KEYS = "image, instruction, text, video"


@pytest.mark.parametrize(
    "item",
    ["a cat", Path("a.png"), b"a", bytearray(b"a"), {"text": "a"}, GREEN, np.zeros((9, 9, 3), np.uint8), torch.zeros(3, 9, 9), np.array(5)],
)
def test_one_item(item):
    assert is_one_item(item)


@pytest.mark.parametrize(
    "items", [["a"], ("a",), [], iter("a"), {"a": 1}.values(), np.array(["a"]), np.array(["a", None], dtype=object), STRINGS]
)
def test_several_items(items):
    assert not is_one_item(items)


@pytest.mark.parametrize("inputs", [5, None, 2.5, float("nan"), {"a"}, frozenset("a")])
def test_what_is_neither_is_refused(inputs):
    message = f"inputs must be an item, or a list or another iterable of items, but is '{type(inputs).__name__}'"
    with pytest.raises(DataError, match=message):
        is_one_item(inputs)


def test_an_array_of_one_text_and_an_open_file_are_refused_with_what_to_pass():
    for array in (np.array("a cat"), np.array(None, dtype=object)):
        with pytest.raises(DataError, match=r"inputs must be .*, but is 'an array without axes'. Pass what it holds: inputs.item\(\)"):
            is_one_item(array)
    for file in (BytesIO(b"a\nb"), StringIO("a\nb")):  # its lines would be items
        with pytest.raises(DataError, match=rf"but is '{type(file).__name__}'. Of an open file pass its bytes, file.read\(\), or"):
            is_one_item(file)
        with pytest.raises(DataError, match=rf"item 0 .* but is '{type(file).__name__}'. Of an open file pass its bytes"):
            given_items([file], Reading())


class NAType:
    """As pandas, which is not installed everywhere, calls the class of its NA."""


@pytest.mark.parametrize("nothing", [None, float("nan"), np.float32("nan"), NAType()])
def test_empty_fields_of_every_kind(nothing):
    given = GivenItem({"text": "a", "image": nothing, "video": nothing, "instruction": nothing}, Reading(), "the item")
    assert not given.media and given.read().text == "a"


def test_a_table_is_no_list_of_items():
    class Table(list):
        columns = ("text",)

    with pytest.raises(DataError, match=r"inputs must be an item.*, but is 'Table'. Of a table, pass a column, or its rows: table.to_dict"):
        is_one_item(Table(["text"]))


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (7, r"item 1 \(7\) must be a text, a Path, bytes, .* or a mapping of text, image, video.*, instruction, but is 'int'"),
        (None, r"item 1 \(None\) must be a text, .*, but is 'NoneType'"),
        (float("nan"), r"item 1 \(nan\) must be a text, .*, but is 'float'"),
        (["a", "b"], r"item 1 \(list of 2\) must be a text, .*, but is 'list'. A list in the list is a video, its frames Pillow images or"),
        ([], r"item 1 \(list of 0\) must be a text, .*, but is 'list'. A list in the list is a video"),
        ([[GREEN]], r"item 1 \(list of 1\) must be a text, .*, but is 'list'"),
        ([Path("a.png")], r"item 1 \(list of 1\) must be a text, .*, but is 'list'"),
        ({"picture": "a.png"}, rf"a key of item 1 \(picture\) must be one of {KEYS}, but is 'picture'"),
        ({"txet": "a"}, r"a key of item 1 .* Did you mean 'text'\?"),
        ({1: "a"}, r"a key of item 1 \(1\) must be one of"),
        ({}, r"item 1 \(\) must be a text, a medium or both, but is 'empty'"),
        ("", r"item 1 \(''\) must be a text, a medium or both, but is 'empty'"),
        ("  ", r"item 1 \('  '\) must be a text, a medium or both, but is 'empty'"),
        ({"text": float("nan"), "image": None}, r"item 1 \(text, image\) must be a text, a medium or both, but is 'empty'"),
        ({"text": "", "image": []}, r"item 1 \(text, image\) must be a text, a medium or both, but is 'empty'"),
        ({"text": 5}, r"the text of item 1 \(text\) must be a string, but is 'int'"),
        ({"text": ["a", "b"]}, "the text of item 1 .* must be a string, but is 'list'"),
        ({"text": b"a"}, "the text of item 1 .* must be a string, but is 'bytes'"),
        ({"text": "a", "instruction": 5}, r"the instruction of item 1 \(text, instruction\) must be a string, but is 'int'"),
        ("half a pair \ud83d", r"the text of item 1 .* must be Unicode, but is .*ud83d.*surrogates not allowed"),
        (
            "photo.jpg",
            r"item 1 \('photo.jpg'\) must be plainly a text or a medium, but is 'the name of a file as a string'. For the file pass Path",
        ),
        ("https://a.b/c", r"but is 'a URL as a string'. To fetch it pass allow_urls=True; for the text {'text': \.\.\.}"),
        ("data:text/plain,a", r"item 1 \('data:text/plain,a'\): the type of a data URI must be one of"),
        ({"image": "https://a.b/c"}, r"the image of item 1 \(image\) must be of this machine, .* URLs are fetched with allow_urls=True"),
        ({"image": [GREEN, [GREEN]]}, r"the image of item 1 \(image\) must be a Path, .*, but is 'list'"),
        ({"video": 7}, r"the video of item 1 \(video\) must be a Path, .*, an array of 4 axes or a list of frames, but is 'int'"),
    ],
)
def test_what_is_no_item_is_told_by_its_place_and_what_it_is(item, message):
    with pytest.raises(DataError, match=message):
        given_items(["a cat", item], Reading())


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("a", "'a'"),
        ("a" * 50, f"'{'a' * 40}'..."),
        (b"ab", "bytes of 2"),
        (photograph(0, 20, 10), "an image of 20 x 10"),
        (np.zeros((9, 8, 3), np.uint8), "an array of shape (9, 8, 3)"),
        ({"text": "a", "instruction": "b"}, "text, instruction"),
    ],
)
def test_an_item_is_called_by_a_few_words(item, expected):
    assert GivenItem(item, Reading(), "the item").name == f"the item ({expected})"


def test_a_string_that_looks_like_more_is_a_text_where_that_is_said():
    for text in ("photo.jpg", "https://a.b/c", "data:image/png;base64,"):
        content = GivenItem({"text": text}, Reading(), "the item").read()
        assert content.text == text and not content.media


def test_several_media_of_a_kind_and_their_order():
    item = {"video": [[GREEN], [GREEN, GREEN]], "text": "a", "image": [GREEN, photograph()], "instruction": "Find it."}
    media = [medium.kind.modality for medium in GivenItem(item, Reading(), "the item").media]
    assert media == [Modality.IMAGE, Modality.IMAGE, Modality.VIDEO, Modality.VIDEO]


def test_instructions_and_places():
    mine = {"text": "a <|IMAGE|>", "instruction": "Mine."}
    content = GivenItem(mine, Reading(instruction="All."), "the item").read()
    assert (content.text, content.instruction) == (r"a <\|IMAGE|>", "Mine.")
    content = GivenItem("a <|IMAGE|>", Reading(instruction="All.", has_places=True), "the item").read()
    assert (content.text, content.instruction) == ("a <|IMAGE|>", "All.")


def test_of_many_bad_items_some_are_told():
    with pytest.raises(CollectedError) as caught:
        given_items([None] * 50, Reading())
    assert len(caught.value.errors) == 20
    assert given_items(iter([None]), Reading())  # a generator is asked for its items one by one
