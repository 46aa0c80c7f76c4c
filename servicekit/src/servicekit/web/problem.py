"""Errors to clients: RFC 9457 problems, without a word about the inside of the service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from servicekit.web.json import Json

PROBLEM_TYPE: Final = "application/problem+json"
MOST_ERRORS: Final = 20
TEXT_CHARS: Final = 300
NOT_JSON: Final = ("json_invalid", "value_error.jsondecode")


class ProblemResponse(Json):
    media_type = PROBLEM_TYPE


class Problem(HTTPException):
    """Raised by a service to answer with a problem; `more` become members of it, `headers` its HTTP headers."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(status, detail, dict(headers) if headers else None)
        self.more = more


def title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def respond(error: HTTPException) -> ProblemResponse:
    more = error.more if isinstance(error, Problem) else {}
    detail = error.detail if isinstance(error.detail, str) else title(error.status_code)
    body = {"type": "about:blank", "title": title(error.status_code), **more}
    body |= {"status": error.status_code, "detail": detail}
    return ProblemResponse(body, error.status_code, headers=error.headers)


async def on_http_error(_: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for these only
    return respond(error)


async def on_invalid(_: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for these only
    found = error.errors()
    if any(one.get("type") in NOT_JSON for one in found):
        return respond(Problem(400, "the body is not JSON"))
    return respond(Problem(422, "the request does not fit its description", errors=told(found)))


def told(errors: Sequence[Any]) -> list[dict[str, str]]:
    """Where and what; never the input, which may be anything and of any size."""
    return [
        {
            "where": ".".join(str(part) for part in one.get("loc", ()))[:TEXT_CHARS],
            "what": str(one.get("msg", ""))[:TEXT_CHARS],
        }
        for one in errors[:MOST_ERRORS]
    ]
