"""Which route a request goes to, for FastAPI versions that copy included routes and those that refer to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from starlette.types import Scope

UNMATCHED: Final = "(none)"


@dataclass(frozen=True)
class Route:
    template: str = UNMATCHED
    dependant: Any = None


def route_of(scope: Scope) -> Route:
    """Known once the application has chosen; before, and when nothing matches, it is UNMATCHED."""
    found = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    if found is None:
        return Route()
    template = getattr(found, "path_format", None) or getattr(found, "path", UNMATCHED)
    return Route(str(template), getattr(found, "dependant", None))


def asks_for(dependant: Any, call: Callable[..., Any]) -> bool:
    """Whether `call` is among the dependencies, at any depth."""
    if dependant is None:
        return False
    return any(inner.call is call or asks_for(inner, call) for inner in dependant.dependencies)
