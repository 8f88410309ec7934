"""The API: searches and rows as JSON, embeddings in OpenAI's form, and the document that describes both.

    Operation (path, handler, request, answers) -> route
                                                -> OpenAPI document -> page for people

An operation is written once, beside its handler: what the document says of it is what the app answers.
"""

from starlette.routing import Route

from unite.search.server.api import document, embeddings, rows, search
from unite.search.server.api.operation import route_of

__all__ = ["routes"]


def routes() -> list[Route]:
    """Returns the routes of the API, and those of the document that describes it."""
    operations = [*search.OPERATIONS, *rows.OPERATIONS, *embeddings.OPERATIONS]
    return [*map(route_of, operations), *document.routes_of(operations)]
