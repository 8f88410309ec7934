"""Embeddings as OpenAI's API gives them, of pictures and videos too: `POST /v1/embeddings`, `GET /v1/models`.

Texts are sent as `input`, as to OpenAI. Media come as content parts, in the two forms that are in use: `messages`, one embedding of one
conversation, as vLLM documents it; or `input` with a list of contents, one embedding each. Media are data URIs: nothing is fetched.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from unite.errors import must_be, must_be_one_of
from unite.media import KINDS
from unite.search.server.api.operation import Answered, Operation, Sent, read_json
from unite.search.server.dispatch import about_tokens
from unite.search.server.refusals import RefusalError
from unite.search.server.service import service_of
from unite.search.server.uploads import Upload, item, upload_of_string

_MOST_INPUTS = 2048
_PART_TYPES = ("text", *(f"{kind.word}_url" for kind in KINDS))
_TOKENS = "Tokens are another tokenizer's: send the text."


class Message(Sent):
    """A message: `system` is the instruction, `user` what is embedded; `assistant`, which some templates end with, is empty."""

    role: Literal["system", "user", "assistant"]
    content: Any = Field(
        description="a text, or a list of parts {type: text, text} and {type: image_url, image_url: {url}}, also video_url"
    )


class EmbeddingsRequest(Sent):
    """As of OpenAI's API, with `messages` as of vLLM's."""

    model: str = Field("", description="which corpus's encoder, by its name; the first where it is left out")
    input: Any = Field(None, description="a text, or a list of texts and contents: a list of parts, as of a message, under `content`")
    messages: list[Message] | None = Field(None, description="one content in place of input")
    dimensions: int | None = Field(None, ge=1, description="so many numbers, the first, of unit length again: of a Matryoshka encoder")
    encoding_format: Literal["float", "base64"] | None = Field(
        None, description="base64 is of float32, little-endian; float where left out"
    )
    user: str | None = Field(None, description="ignored")
    add_special_tokens: bool | None = Field(None, description="ignored: the encoder's prompt says what is written")
    continue_final_message: bool | None = Field(None, description="ignored, as above")


class Embedding(Answered):
    """One embedding, of unit length."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class Usage(Answered):
    """About how many tokens were read: a token for four letters, 256 for a medium. It is not counted."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingsAnswer(Answered):
    """Embeddings in the order of what was sent."""

    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: Usage


class Model(Answered):
    """A corpus's encoder, under the corpus's name."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "unite"


class Models(Answered):
    """What `model` may be."""

    object: Literal["list"] = "list"
    data: list[Model]


async def embeddings(request: Request) -> Response:
    """Answers with embeddings."""
    asked = await read_json(request, EmbeddingsRequest)
    service = service_of(request)
    name = service.known(asked.model)
    items = await run_in_threadpool(_items_of, asked)
    vectors = await service.embed(items, name)
    return await run_in_threadpool(_answer, asked, name, items, vectors)


async def models(request: Request) -> Response:
    """Tells what may be named as `model`."""
    return JSONResponse(Models(data=[Model(id=name) for name in service_of(request).names]).model_dump())


async def model(request: Request) -> Response:
    """Tells of one."""
    return JSONResponse(Model(id=service_of(request).known(request.path_params["id"])).model_dump())


def _items_of(asked: EmbeddingsRequest) -> list[dict[str, Any]]:
    if (asked.input is None) == (asked.messages is None):
        raise _wrong("input", "given, or messages in its place", "neither" if asked.input is None else "both")
    if asked.messages is not None:
        return [_item_of_messages(asked.messages)]
    inputs = asked.input if isinstance(asked.input, list) else [asked.input]
    if not 1 <= len(inputs) <= _MOST_INPUTS:
        raise _wrong("input", f"1 to {_MOST_INPUTS} inputs", len(inputs))
    return [_item_of(one, f"input[{place}]" if isinstance(asked.input, list) else "input") for place, one in enumerate(inputs)]


def _item_of(given: Any, name: str) -> dict[str, Any]:
    """Returns the item of one input: a text, a content, or one part."""
    if isinstance(given, str):
        return _item(given, [], "", name)
    if isinstance(given, dict) and set(given) == {"content"}:
        return _item(*_content(given["content"], f"{name}.content"), "", name)
    if isinstance(given, dict) and "type" in given:
        return _item(*_content([given], name), "", name)
    is_tokens = isinstance(given, int) or (isinstance(given, list) and all(isinstance(token, int) for token in given))
    raise _wrong(name, "a text, or {content: a list of parts}", type(given).__name__, _TOKENS if is_tokens else "")


def _item_of_messages(messages: Sequence[Message]) -> dict[str, Any]:
    said: dict[str, tuple[str, list[Upload]]] = {}
    for place, message in enumerate(messages):
        name = f"messages[{place}]"
        if message.role in said:
            raise _wrong(name, f"the only one of {message.role}", "another", "One conversation is one embedding: send several requests.")
        text, media = said[message.role] = _content(message.content, f"{name}.content")
        if message.role == "assistant" and (text.strip() or media):
            raise _wrong(name, "empty, as of assistant", "not", "What is embedded is what the user says.")
        if message.role == "system" and media:
            raise _wrong(name, "a text, as of system", "with media")
    instruction = said.get("system", ("", []))[0]
    return _item(*said.get("user", ("", [])), instruction, "messages")


def _content(content: Any, name: str) -> tuple[str, list[Upload]]:
    """Returns the text and the media of a message: texts a line each, media in their order."""
    if isinstance(content, str):
        return content, []
    if not isinstance(content, list):
        raise _wrong(name, "a text or a list of parts", type(content).__name__)
    texts: list[str] = []
    media: list[Upload] = []
    for place, part in enumerate(content):
        of = f"{name}[{place}]"
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in _PART_TYPES:
            raise RefusalError(400, must_be_one_of(f"{of}.type", _PART_TYPES, kind), param=of)
        value = part.get(kind)
        if kind == "text":
            if not isinstance(value, str):
                raise _wrong(f"{of}.text", "a text", type(value).__name__)
            texts.append(value)
            continue
        url = value.get("url") if isinstance(value, dict) else value
        if not isinstance(url, str):
            raise _wrong(f"{of}.{kind}", "{url: a data URI}", type(url).__name__)
        media.append(upload_of_string(url, f"{of}.{kind}", next(one for one in KINDS if kind == f"{one.word}_url")))
    return "\n".join(texts), media


def _item(text: str, media: Sequence[Upload], instruction: str, name: str) -> dict[str, Any]:
    if not text.strip() and not media:
        raise _wrong(name, "a text, a medium or both", "empty")
    return item(text, media, instruction)


def _answer(asked: EmbeddingsRequest, name: str, items: Sequence[dict[str, Any]], vectors: NDArray[np.float32]) -> Response:
    if asked.dimensions is not None:
        if asked.dimensions > vectors.shape[1]:
            raise _wrong("dimensions", f"at most {vectors.shape[1]}, the width of the embeddings", asked.dimensions)
        vectors = vectors[:, : asked.dimensions]
        vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    vectors = np.ascontiguousarray(vectors, "<f4")
    made = [base64.b64encode(vector).decode() for vector in vectors] if asked.encoding_format == "base64" else vectors.tolist()
    tokens = sum(map(about_tokens, items))
    data = [{"object": "embedding", "index": index, "embedding": embedding} for index, embedding in enumerate(made)]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return JSONResponse({"object": "list", "data": data, "model": name, "usage": usage})


def _wrong(name: str, expected: str, actual: Any, hint: str = "") -> RefusalError:
    return RefusalError(400, must_be(name, expected, actual, hint), param=name, code="invalid_request")


OPERATIONS = (
    Operation(
        "POST",
        "/v1/embeddings",
        "embeddings",
        "Embed texts, pictures and videos",
        "As OpenAI's API does, so that its clients can be used.",
        embeddings,
        EmbeddingsAnswer,
        {"application/json": EmbeddingsRequest},
        refusals=(400, 404, 415),
    ),
    Operation("GET", "/v1/models", "models", "Encoders by name", "As OpenAI's API does.", models, Models),
    Operation(
        "GET",
        "/v1/models/{id:any}",
        "model",
        "One encoder",
        "As OpenAI's API does.",
        model,
        Model,
        parameters=(("id", "path", "its name"),),
        refusals=(404,),
    ),
)
