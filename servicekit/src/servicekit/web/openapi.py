"""The description of the API says what really comes: every error is a problem."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from servicekit.web.problem import PROBLEM_TYPE

SCHEMA: Final = {
    "title": "Problem",
    "description": "RFC 9457",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["where", "what"],
                "properties": {"where": {"type": "string"}, "what": {"type": "string"}},
            },
        },
    },
}
SAYS: Final = {
    "400": "Not JSON, not text, or not an address",
    "401": "The fleet's token is missing or wrong",
    "408": "The body comes too slowly",
    "413": "The body is too large",
    "422": "The request does not fit its description",
    "default": "Any other problem",
}
FASTAPIS: Final = ("HTTPValidationError", "ValidationError")


def described(document: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    """`document` is FastAPI's own description, made anew each time; this one is made once."""
    made: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not made:
            made.update(document())
            for operation in _operations(made):
                _add_problems(operation)
            components = made.setdefault("components", {})
            schemas = components.setdefault("schemas", {})
            for name in FASTAPIS:
                schemas.pop(name, None)
            schemas["Problem"] = SCHEMA
            components["responses"] = {key: _response(says) for key, says in SAYS.items()}
        return made

    return openapi


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document.get("paths", {}).values():
        yield from (operation for operation in path.values() if isinstance(operation, dict))


def _add_problems(operation: dict[str, Any]) -> None:
    responses = operation.setdefault("responses", {})
    if "HTTPValidationError" in str(responses.get("422")):
        del responses["422"]
    keys = ["400", "default"]
    if "parameters" in operation or "requestBody" in operation:
        keys.append("422")
    if "requestBody" in operation:
        keys += ["408", "413"]
    if operation.get("security"):
        keys.append("401")
    for key in keys:
        responses.setdefault(key, {"$ref": f"#/components/responses/{key}"})


def _response(says: str) -> dict[str, Any]:
    return {"description": says, "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
