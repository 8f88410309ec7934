import base64
import json

import httpx
import numpy as np
import openai
import pytest

from tests.search.fake_searching import DIM, FakeSearching, vector_of
from tests.search.media_files import base64_of, clip, picture, uri
from tests.search.server.running import running

TOKEN = "a-token-of-some-length"
PNG, MP4 = picture(), clip()
IMAGE = {"type": "image_url", "image_url": {"url": uri(PNG)}}
VIDEO = {"type": "video_url", "video_url": {"url": uri(MP4, "video/mp4")}}
TEXT = {"type": "text", "text": "make it blue"}


@pytest.fixture(scope="module")
def server():
    with running({"mine": FakeSearching(), "other/one": FakeSearching()}, token=TOKEN) as server:
        yield server


@pytest.fixture(scope="module")
def client(server):
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key=TOKEN, max_retries=0)


def expected(*items):
    return [vector_of({"text": "", **item}) for item in items]


@pytest.fixture
def post(server):
    def post(**body):
        web = httpx.post(f"{server.url}/v1/embeddings", json=body, headers={"authorization": f"Bearer {TOKEN}"}, timeout=20)
        return web.status_code, web.json()

    return post


# By OpenAI's own client, as its users call it; it asks for base64 where no format is named.


@pytest.mark.parametrize("options", [{}, {"encoding_format": "float"}, {"encoding_format": "base64"}])
def test_texts(client, options):
    answer = client.embeddings.create(model="mine", input=["a cat", "a little dog"], **options)
    assert (answer.object, answer.model, [one.index for one in answer.data]) == ("list", "mine", [0, 1])
    made = [one.embedding for one in answer.data]
    if options.get("encoding_format") == "base64":
        made = [np.frombuffer(base64.b64decode(text), "<f4") for text in made]
    np.testing.assert_array_equal(np.asarray(made, np.float32), expected({"text": "a cat"}, {"text": "a little dog"}))
    assert answer.usage.prompt_tokens == answer.usage.total_tokens > 0


def test_one_text(client):
    (only,) = client.embeddings.create(model="other/one", input="a cat").data
    np.testing.assert_array_equal(np.asarray(only.embedding, np.float32), vector_of({"text": "a cat"}))


def test_fewer_dimensions_are_of_unit_length(client):
    (only,) = client.embeddings.create(model="mine", input="a cat", dimensions=3).data
    cut = vector_of({"text": "a cat"})[:3]
    np.testing.assert_allclose(only.embedding, cut / np.linalg.norm(cut), rtol=1e-6)


def test_models(client):
    assert [model.id for model in client.models.list()] == ["mine", "other/one"]
    assert client.models.retrieve("other/one").owned_by == "unite"
    with pytest.raises(openai.NotFoundError, match="model must be one of mine, other/one, but is 'none'"):
        client.models.retrieve("none")


def test_errors_are_those_that_the_client_knows(client, server):
    with pytest.raises(openai.NotFoundError) as error:
        client.embeddings.create(model="none", input="a")
    assert (error.value.code, error.value.param, error.value.type) == ("model_not_found", "model", "not_found_error")
    with pytest.raises(openai.BadRequestError, match="send the text") as bad:
        client.embeddings.create(model="mine", input=[[1, 2], [3]])
    assert (bad.value.code, bad.value.param, bad.value.type) == ("invalid_request", "input[0]", "invalid_request_error")
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="wrong", max_retries=0).models.list()


def test_a_conversation_as_vllm_documents_it(client):
    body = {
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": "Find the picture."}]},
            {"role": "user", "content": [IMAGE, TEXT]},
            {"role": "assistant", "content": [{"type": "text", "text": ""}]},
        ],
        "model": "mine",
        "encoding_format": "float",
        "continue_final_message": True,
        "add_special_tokens": True,
    }
    answer = client.post("/embeddings", cast_to=openai.types.CreateEmbeddingResponse, body=body)
    wanted = expected({"text": "make it blue", "image": [PNG], "instruction": "Find the picture."})
    np.testing.assert_array_equal(np.asarray([one.embedding for one in answer.data], np.float32), wanted)


@pytest.mark.parametrize(
    ("given", "items"),
    [
        ({"messages": [{"role": "user", "content": "a cat"}]}, [{"text": "a cat"}]),
        ({"messages": [{"role": "user", "content": [VIDEO, TEXT, TEXT]}]}, [{"text": "make it blue\nmake it blue", "video": [MP4]}]),
        ({"input": [{"content": [IMAGE, TEXT]}, "a cat"]}, [{"text": "make it blue", "image": [PNG]}, {"text": "a cat"}]),
        ({"input": [IMAGE, VIDEO, TEXT]}, [{"image": [PNG]}, {"video": [MP4]}, {"text": "make it blue"}]),
        ({"input": {"content": [IMAGE, IMAGE]}}, [{"image": [PNG, PNG]}]),
        ({"input": [{"type": "image_url", "image_url": uri(PNG)}]}, [{"image": [PNG]}]),
    ],
)
def test_contents(post, given, items):
    status, answer = post(model="mine", **given)
    assert status == 200
    np.testing.assert_array_equal(np.asarray([one["embedding"] for one in answer["data"]], np.float32), expected(*items))


@pytest.mark.parametrize(
    ("body", "param", "told"),
    [
        ({}, "input", "given, or messages in its place, but is 'neither'"),
        ({"input": "a", "messages": []}, "input", "but is 'both'"),
        ({"input": []}, "input", "1 to 2048 inputs, but is 0"),
        ({"input": ["a"] * 2049}, "input", "but is 2049"),
        ({"input": ""}, "input", "a text, a medium or both, but is 'empty'"),
        ({"input": ["a", " "]}, "input[1]", "but is 'empty'"),
        ({"input": [1, 2, 3]}, "input[0]", "Tokens are another tokenizer's: send the text."),
        ({"input": ["a", [1]]}, "input[1]", "send the text"),
        ({"input": 1.5}, "input", "but is 'float'"),
        ({"input": [{"text": "a"}]}, "input[0]", "{content: a list of parts}"),
        ({"input": "a", "dimensions": DIM + 1}, "dimensions", f"at most {DIM}, the width of the embeddings"),
        ({"input": "a", "dimensions": 0}, "dimensions", "greater than or equal to 1"),
        ({"input": "a", "encoding_format": "int8"}, "encoding_format", "'float' or 'base64'"),
        ({"input": "a", "chat_template": "x"}, "chat_template", "not permitted"),
        ({"messages": [{"role": "robot", "content": "a"}]}, "messages[0].role", "'system', 'user' or 'assistant'"),
        ({"messages": [{"role": "user", "content": "a"}] * 2}, "messages[1]", "send several requests"),
        ({"messages": [{"role": "assistant", "content": "a"}]}, "messages[0]", "What is embedded is what the user says"),
        ({"messages": [{"role": "system", "content": [IMAGE]}]}, "messages[0]", "with media"),
        ({"messages": [{"role": "system", "content": "Find."}]}, "messages", "empty"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content", "a list of parts"),
        ({"messages": [{"role": "user", "content": [{"type": "image_file"}]}]}, "messages[0].content[0]", "image_url, text, video_url"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text", "a text"),
        ({"input": [{"type": "image_url", "image_url": {}}]}, "input[0][0].image_url", "a data URI"),
        ({"input": [{"type": "image_url", "image_url": {"url": "https://a/b.png"}}]}, "input[0][0].image_url", "Nothing is fetched"),
        ({"input": [{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}]}, "input[0][0].image_url", "Nothing is fetched"),
        ({"input": "broken"}, None, "cannot be embedded"),
    ],
)
def test_what_is_wrong_is_told(post, body, param, told):
    status, answer = post(**body)
    assert status == 400
    assert answer["error"]["param"] == param
    assert told in answer["error"]["message"]


def test_media_of_another_kind(post):
    status, answer = post(input=[{"type": "video_url", "video_url": {"url": base64_of(PNG)}}])
    assert (status, answer["error"]["code"]) == (415, "unsupported_media")


def test_numbers_are_json(post, server, monkeypatch):
    monkeypatch.setattr(FakeSearching, "embed", lambda self, items: np.zeros((len(items), DIM), np.float32))
    status, answer = post(input="a", dimensions=2)
    assert (status, answer["data"][0]["embedding"]) == (200, [0.0, 0.0])
    assert json.dumps(answer, allow_nan=False)
