"""Rows are told in one form by all: `operation.py` reads what is sent, and `hit_object` tells a row."""

import json
import re
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import httpx
import numpy as np
import pytest

from tests.search.fake_searching import FakeSearching, vector_of
from tests.search.media_files import base64_of, clip, picture, uri
from tests.search.server.running import running
from unite.search.hits import Hit
from unite.search.server.api.search import Part, SearchRequest, hit_object


@pytest.fixture(scope="module")
def searchers():
    return {"mine": FakeSearching(), "other": FakeSearching(["one row"], name="another")}


@pytest.fixture(scope="module")
def server(searchers):
    with running(searchers) as server:
        yield server


@pytest.fixture
def asked(server, searchers):
    """Asks, and returns the answer with the search that was made of it."""

    def ask(body, **form):
        web = {"json": body} if body is not None else form
        answer = httpx.post(f"{server.url}/api/search", timeout=20, **web)
        made = searchers["mine"].searches[-1] if answer.status_code == 200 else None
        return SimpleNamespace(status=answer.status_code, json=answer.json(), search=made)

    return ask


def test_hits_of_a_text(asked):
    answer = asked({"text": "a cat", "k": 1})
    assert answer.status == 200
    (hit,) = answer.json["hits"]
    assert hit["score"] == pytest.approx(1)
    assert {key: hit[key] for key in hit if key != "score"} == {
        "id": "row-0",
        "source": "folder/0.jpg",
        "modality": "image",
        "text": "a cat",
        "metadata": {"price": 0},
        "thumbnail": "/api/thumbnails/row-0?model=mine",
        "media": "/api/media/row-0?model=mine",
    }
    assert answer.json["model"] == "mine"
    assert answer.json["seconds"] > 0


def test_all_of_a_search(asked):
    png, mp4 = picture(), clip()
    answer = asked(
        {
            "model": "mine",
            "text": "a bird",
            "parts": [
                {"text": "but blue", "image": [base64_of(png), uri(png)], "instruction": "Find it."},
                {"video": base64_of(mp4), "weight": -0.5},
            ],
            "like": ["row-0"],
            "words": "dog",
            "where": "price < 5",
            "modalities": ["text,image", "video"],
            "k": 3,
            "offset": 0,
        }
    )
    assert answer.status == 200
    search = answer.search
    assert [part.item for part in search.parts] == [
        {"text": "a bird"},
        {"text": "but blue", "image": [png, png], "instruction": "Find it."},
        {"text": "", "video": [mp4], "instruction": ""},
    ]
    assert [part.weight for part in search.parts] == [1, 1, -0.5]
    assert (search.like, search.words, search.where, search.modalities) == (["row-0"], "dog", "price < 5", ["text+image", "video"])
    assert (search.k, search.offset) == (3, 0)
    np.testing.assert_array_equal(search.parts[2].vector, vector_of(search.parts[2].item))


def test_the_next_page(asked):
    first, second = (asked({"text": "a cat", "k": 1, "offset": offset}).json["hits"] for offset in (0, 1))
    assert [first[0]["id"], second[0]["id"]] == ["row-0", "row-1"]


def test_another_corpus(asked, searchers):
    assert [hit["text"] for hit in asked({"text": "a", "model": "other"}).json["hits"]] == ["one row"]


def test_a_form_with_files(asked):
    png, mp4 = picture(), clip()
    answer = asked(
        None,
        data={"text": "make it blue", "k": "1", "like": ["row-1"], "modalities": ["image", "video"], "instruction": "Find it."},
        files=[("file", ("a.png", png)), ("video", ("b.mp4", mp4))],
    )
    assert answer.status == 200
    (part,) = answer.search.parts
    assert part.item == {"text": "make it blue", "image": [png], "video": [mp4], "instruction": "Find it."}
    assert (answer.search.k, answer.search.like, answer.search.modalities) == (1, ["row-1"], ["image", "video"])
    assert asked(None, data={"words": "cat"}).search.words == "cat"


def test_a_form_with_parts_and_weights(asked):
    png, gif = picture(), picture(form="GIF")
    search = {"parts": [{"image": {"file": "a"}}, {"video": [{"file": "b"}], "weight": -1}], "k": 1}
    answer = asked(None, data={"search": json.dumps(search)}, files=[("a", ("a.png", png)), ("b", ("b.gif", gif))])
    assert answer.status == 200
    assert [(part.item, part.weight) for part in answer.search.parts] == [
        ({"text": "", "image": [png], "instruction": ""}, 1),
        ({"text": "", "video": [gif], "instruction": ""}, -1),
    ]


@pytest.mark.parametrize(
    ("body", "param", "told"),
    [
        ({}, None, "a search must be for something"),
        ({"text": " "}, None, "a search must be for something"),
        (
            {"text": "a", "kk": 1},
            "kk",
            "Extra inputs are not permitted. The fields are model, text, parts, like, words, where, modalities, k, offset.",
        ),
        ({"text": "a", "k": 0}, "k", "greater than or equal to 1"),
        ({"text": "a", "k": 10**9}, "k", "less than or equal to 1000"),
        ({"text": "a", "k": "many"}, "k", "valid integer"),
        ({"text": "a", "offset": -1}, "offset", "greater than or equal to 0"),
        ({"text": "a", "k": 0, "words": 1}, "words", "k: Input should be"),
        ({"parts": [{"text": "a", "weight": 0}]}, "parts[0].weight", "a number other than 0"),
        ({"parts": [{"text": "a"}, {"weight": 1}]}, None, "a part must be a text, a medium or both"),
        ({"parts": [{"text": "a"}] * 17}, "parts", "at most 16"),
        ({"parts": [{"image": "https://example.com/a.png"}]}, "parts[0].image[0]", "Nothing is fetched here"),
        ({"parts": [{"image": ["/etc/passwd"]}]}, "parts[0].image[0]", "a data URI or base64"),
        ({"parts": [{"image": {"file": "a"}}]}, "parts[0].image[0]", "file must be one of"),
        ({"text": "a", "modalities": ["smell"]}, "modalities", "modality must be one of image, text, video"),
        ({"text": "broken"}, None, "'broken' cannot be embedded"),
        ({"like": ["nowhere"]}, None, "there is no row 'nowhere'"),
    ],
)
def test_what_is_wrong_is_told(asked, body, param, told):
    answer = asked(body)
    assert answer.status == 400
    assert told in answer.json["error"]["message"]
    if "words" not in body:
        assert answer.json["error"]["param"] == param


@pytest.mark.parametrize(
    ("form", "status", "told"),
    [
        ({"data": {"colour": "red"}}, 400, "a field of the form must be one of"),
        ({"data": {"text": "a", "k": "x"}}, 400, "k: Input should be a valid integer"),
        ({"data": {"search": "{}", "k": "1"}}, 400, "without other fields, but is 'k'"),
        ({"data": {"search": "no json"}}, 400, "Invalid JSON"),
        ({"files": [("video", ("a.png", picture()))]}, 415, "a.png must be video, but is 'image'"),
        ({"files": [("photo", ("a.png", picture()))]}, 400, "a field of the form must be one of"),
        ({"data": {"search": '{"parts": [{"video": {"file": "a"}}]}'}, "files": [("a", ("a.png", picture()))]}, 415, "must be video"),
    ],
)
def test_what_is_wrong_with_a_form_is_told(asked, form, status, told):
    answer = asked(None, **form)
    assert (answer.status, told in answer.json["error"]["message"]) == (status, True)


def test_another_type_and_another_corpus(server):
    status, _, body = server.ask("POST", "/api/search", b"a", content_type="text/plain")
    assert status == 415 and b"application/json" in body
    status, _, body = server.ask("POST", "/api/search", {"text": "a", "model": "none"})
    assert status == 404 and json.loads(body)["error"]["code"] == "model_not_found"
    assert server.ask("GET", "/api/search")[0] == 405


def test_values_that_json_has_not_and_ids_that_are_no_paths():
    metadata = {"nan": float("nan"), "day": date(2026, 1, 2), "count": np.int64(3), "share": np.float32(0.5), "yes": True, "none": None}
    told = hit_object(Hit("a b/../ü?#&", float("inf"), "s", "text+image", metadata=metadata), "my & corpus")
    assert json.loads(json.dumps(told, allow_nan=False))["metadata"] == {
        "nan": None,
        "day": "2026-01-02",
        "count": 3,
        "share": 0.5,
        "yes": True,
        "none": None,
    }
    assert told["score"] is None
    assert told["media"] == "/api/media/a%20b%2F..%2F%C3%BC%3F%23%26?model=my%20%26%20corpus"
    assert hit_object(Hit("a", 1, "s", "text"), "m")["media"] is None


def test_the_docs_tell_every_field():
    page = (Path(__file__).parents[4] / "docs" / "api.md").read_text(encoding="utf-8")
    table = re.search(r"\| field \| what it is \|\n\|---\|---\|\n((?:\|.*\n)+)", page)
    told = {name for line in table[1].splitlines() for name in re.findall(r"`(\w+)`", line.split("|")[1])}
    assert told == set(SearchRequest.model_fields)
    parts = re.search(r'\{("text".*?)\}`', page)[1]
    assert set(re.findall(r"\w+", parts)) == set(Part.model_fields)
