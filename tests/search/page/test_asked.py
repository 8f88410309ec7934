from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.search.media_files import picture
from unite.errors import DataError
from unite.search.page.asked import Asked, AskedPart
from unite.search.page.filters import Filter
from unite.search.server.uploads import Upload, upload_of_bytes

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=8)
WORD = st.text("ab&=+#%/? '\"<", min_size=1, max_size=5)
PARTS = st.builds(AskedPart, TEXT, st.sampled_from(["", "c0ffee"]), st.sampled_from([1.0, 0.5, 2.25]), st.booleans())
ASKED = st.builds(
    Asked,
    parts=st.lists(PARTS, max_size=3).map(lambda parts: tuple(part for part in parts if not part.is_empty)),
    like=st.lists(WORD, max_size=2, unique=True).map(tuple),
    words=st.sampled_from(["", "a b"]),
    filters=st.lists(st.builds(Filter, WORD, st.sampled_from(["=", "<", "empty"]), TEXT), max_size=2).map(tuple),
    where=st.sampled_from(["", "n < 5 AND x = 'a&b'"]),
    modalities=st.sampled_from([(), ("image",), ("image", "text+image")]),
    page=st.integers(1, 9),
)


def read(address):
    return Asked.of_fields(parse_qsl(address.partition("?")[2], keep_blank_values=True))


@given(ASKED)
def test_an_address_says_what_was_asked(asked):
    assert read(asked.address()) == asked


def test_a_plain_question_has_a_plain_address():
    assert Asked((AskedPart("a red bird"),)).address() == "/?text=a+red+bird"
    assert read("/?text=a+red+bird").parts == (AskedPart("a red bird"),)


def test_pages_and_filters_are_of_one_query():
    asked = read("/?text=a&weight=1&sign=plus&text=b&weight=2&sign=not&page=3&modality=image&column=n&operator=%3C&value=1")
    assert asked.key == "/?text=a&upload=&weight=1&sign=plus&text=b&upload=&weight=2&sign=not"
    assert read(asked.without_part(1)).parts == (AskedPart("a"),)
    assert read(asked.address(page=1)).modalities == ("image",)


def test_the_search_of_it():
    upload = upload_of_bytes(picture("red"))
    columns = {"n": "int64", "a b": "string"}
    asked = Asked(
        (AskedPart("a", "c0ffee"), AskedPart(), AskedPart("snow", weight=0.5, is_not=True)),
        like=("7",),
        words=" tree ",
        filters=(Filter("n", "<", "5"), Filter("a b", "=", "it's")),
        where="n > 1 OR n IS NULL",
        modalities=("image",),
        page=3,
    )
    search = asked.search(columns, {"c0ffee": upload}.__getitem__, size=10)
    assert [(part.item["text"], part.item.get("image"), part.weight) for part in search.parts] == [
        ("a", [upload.data], 1.0),
        ("snow", None, -0.5),
    ]
    assert search.where == "`n` < 5 AND `a b` = 'it''s' AND (n > 1 OR n IS NULL)"
    assert (search.like, search.words, search.modalities, search.k, search.offset) == (("7",), "tree", ("image",), 11, 20)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("/?text=a&page=0", "the page must be from 1 to 1000"),
        ("/?text=a&page=x", "the page must be from 1 to 1000, but is 'x'"),
        ("/?text=a&page=%C2%B2", "the page must be from 1"),
        ("/?text=a&weight=nan", "the weight of a part of the query must be above 0 and at most 10, but is 'nan'"),
        ("/?text=a&weight=-1", "above 0 and at most 10"),
        ("/?" + "&".join(["text=a"] * 17), "the number of parts of a query must be at most 16, but is 17"),
        ("/?" + "&".join(f"like={at}" for at in range(17)), "rows to be like must be at most 16"),
    ],
)
def test_what_cannot_be_asked_is_told(address, told):
    with pytest.raises(DataError, match=told):
        read(address)


def test_a_text_is_never_an_address_or_a_file():
    for text in ("/etc/passwd", "http://example.org/a.png", "data:image/png;base64,AAAA"):
        (part,) = read("/?text=" + text).search({}, Upload, size=1).parts
        assert part.item["text"] == text and not {"image", "video"} & set(part.item)
