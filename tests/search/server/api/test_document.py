"""Also `__init__.py` and `operation.py`: what is told of an operation is what its route answers."""

import json
import re

import pytest
from starlette.routing import Route

from tests.search.fake_searching import FakeSearching
from tests.search.server.running import running
from unite.search.server import api


@pytest.fixture(scope="module")
def server():
    with running({"mine": FakeSearching()}) as server:
        yield server


@pytest.fixture(scope="module")
def told(server):
    status, headers, body = server.ask("GET", "/openapi.json")
    assert (status, headers["content-type"]) == (200, "application/json")
    return json.loads(body)


def test_every_route_is_told_and_no_other(told):
    told_paths = {(method.upper(), path) for path, methods in told["paths"].items() for method in methods}
    routes = {(method, re.sub(r":\w+}", "}", route.path)) for route in api.routes() if isinstance(route, Route) for method in route.methods}
    of_the_document = {("GET", "/openapi.json"), ("GET", "/api/docs"), ("GET", "/api/docs.css")}
    assert told_paths == {(method, path) for method, path in routes if method != "HEAD"} - of_the_document
    assert told["openapi"].startswith("3.1")


def test_every_reference_leads_somewhere(told):
    schemas = told["components"]["schemas"]
    references = re.findall(r'"\$ref": "([^"]+)"', json.dumps(told))
    assert references
    assert {reference for reference in references if reference.removeprefix("#/components/schemas/") not in schemas} == set()


@pytest.mark.parametrize(
    ("method", "path", "of", "body"),
    [
        ("POST", "/api/search", "/api/search", {"text": "a cat"}),
        ("GET", "/api/rows/row-0", "/api/rows/{id}", None),
        ("GET", "/api/corpora", "/api/corpora", None),
        ("POST", "/v1/embeddings", "/v1/embeddings", {"input": "a"}),
        ("GET", "/v1/models", "/v1/models", None),
        ("GET", "/v1/models/mine", "/v1/models/{id}", None),
        ("GET", "/api/rows/nowhere", "/api/rows/{id}", None),
        ("POST", "/v1/embeddings", "/v1/embeddings", {"input": 1}),
    ],
)
def test_answers_are_as_told(told, server, method, path, of, body):
    status, headers, answer = server.ask(method, path, body)
    content = told["paths"][of][method.lower()]["responses"][str(status)]["content"]
    assert list(content) == [headers["content-type"]]
    _check(json.loads(answer), content["application/json"]["schema"], told)


def _check(value, schema, told):
    """Holds a value against a schema: fields, no other ones, and their types."""
    if "$ref" in schema:
        schema = told["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    if "anyOf" in schema:
        assert any(_fits(value, one) for one in schema["anyOf"])
    elif schema.get("type") == "object" and "properties" in schema:
        assert set(value) == set(schema["properties"])
        for name, of in schema["properties"].items():
            _check(value[name], of, told)
    elif schema.get("type") == "array":
        assert isinstance(value, list) and value
        for one in value:
            _check(one, schema["items"], told)
    else:
        assert _fits(value, schema)


def _fits(value, schema):
    kinds = {"string": str, "number": float | int, "integer": int, "object": dict, "array": list, "null": type(None)}
    return isinstance(value, kinds[schema["type"]])


def test_the_page_is_whole_without_a_network_or_a_script(server, told):
    status, headers, body = server.ask("GET", "/api/docs")
    page = body.decode()
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<script" not in page and "style=" not in page
    assert set(re.findall(r'(?:src|href)="([^"#]*)', page)) - {""} == {"/api/docs.css", "/openapi.json"}
    assert server.ask("GET", "/api/docs.css")[1]["content-type"].startswith("text/css")
    for path in told["paths"]:
        assert f" {path}</code>" in page
    names = set(told["components"]["schemas"])
    assert set(re.findall(r'href="#(\w+)"', page)) <= set(re.findall(r'id="(\w+)"', page)) >= names
