"""What a program can ask: one path and method, with what is sent and answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unite.errors import must_be
from unite.search.server.refusals import RefusalError

M = TypeVar("M", bound=BaseModel)


class _Any(Convertor[str]):
    """Whatever stands in a path's parameter, slashes and line breaks too, before which Starlette's own `path` ends."""

    regex = "(?s:.*)"

    def convert(self, value: str) -> str:
        """Returns it as it is."""
        return value

    def to_string(self, value: str) -> str:
        """Returns it as it is."""
        return value


register_url_convertor("any", _Any())


class Sent(BaseModel):
    """What is sent: a field that there is none of is refused, and numbers are finite."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Answered(BaseModel):
    """What is answered."""


@dataclass(frozen=True)
class Operation:
    """An operation.

    Attributes:
        method, path: of it, with parameters in Starlette's form (`/api/rows/{id:any}`).
        name: for programs that are made from the document.
        summary, description: for people.
        handler: answers it.
        sent: what its body holds, by content type.
        answered: the model of its answer as JSON, or the content type of its bytes.
        parameters: (name, where, description) of what stands in its path or query.
        refusals: statuses that it may be refused with beside those that any request may.
    """

    method: str
    path: str
    name: str
    summary: str
    description: str
    handler: Callable[[Request], Awaitable[Response]]
    answered: type[Answered] | str
    sent: Mapping[str, type[Sent]] = field(default_factory=dict)
    parameters: Sequence[tuple[str, str, str]] = ()
    refusals: Sequence[int] = ()


def route_of(operation: Operation) -> Route:
    """Returns its route."""
    return Route(operation.path, operation.handler, methods=[operation.method], name=operation.name)


async def read_json(request: Request, model: type[M]) -> M:
    """Reads the body of a request.

    Raises:
        RefusalError: if it is not JSON (415), or not what it should be (400): all that is wrong with it is told.
    """
    mime = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if mime != "application/json":
        raise RefusalError(415, must_be("the content type", "application/json", mime), code="unsupported_media")
    return checked(model, await request.body())


def checked(model: type[M], given: bytes | Mapping[str, object]) -> M:
    """Returns JSON, or what a form holds, as a model. Raises RefusalError with all that is wrong."""
    try:
        return model.model_validate_json(given) if isinstance(given, bytes) else model.model_validate(given)
    except ValidationError as error:
        # What was sent is not told again: it may be as long as a picture.
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        lines = [f"{_place(fault['loc']) or 'the request'}: {fault['msg']}" for fault in faults[:10]]
        if any(fault["type"] == "extra_forbidden" and len(fault["loc"]) == 1 for fault in faults):
            lines.append(f"The fields are {', '.join(model.model_fields)}")
        raise RefusalError(400, ". ".join(lines) + ".", param=_place(faults[0]["loc"]), code="invalid_request") from error


def _place(loc: Sequence[int | str]) -> str:
    """Returns where in the request something stands: `parts[0].weight`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".")
