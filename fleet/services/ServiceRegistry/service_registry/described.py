"""What openapi.json says beyond what the code's types say."""

from __future__ import annotations

from typing import Any, Final

from service_registry import views
from service_registry.core.follow import Snapshot, Told
from service_registry.core.registration import Kind, Registration

Responses = dict[int | str, dict[str, Any]]

ALPHA: Final = Registration(
    id="0123456789abcdef0123456789abcdef",
    service="Alpha",
    machine="mainpc",
    url="http://dockwright-alpha:7000",
    health_url="http://dockwright-alpha:8000",
    capabilities=("GPU", "LLM"),
    lease_seconds=15,
    metadata={"git_sha": "213db78"},
    registered_at=1_795_543_200.0,
)
NEWS: Final = (
    Snapshot("8f3a-0", ()),
    Told("8f3a-1", Kind.REGISTERED, ALPHA, ALPHA.registered_at),
    Told("8f3a-2", Kind.EXPIRED, ALPHA, ALPHA.registered_at + 15),
)
WATCH: Final = """`snapshot` holds all registrations that were asked about, in place of what was known before (when they
are very many, in parts). Then come `registered` (perhaps `instead_of` another), `expired` and `deregistered`, each with
its registration. With the `Last-Event-ID` of an earlier stream it goes on there without a snapshot, unless too much has
happened since or the registry has restarted. Renewals are not told. With a search, a registration that no longer fits
it is told as `deregistered`."""
STREAM: Final[Responses] = {
    200: {
        "description": WATCH,
        "content": {
            "text/event-stream": {
                "schema": {"type": "string"},
                "example": "".join(event.raw.decode() for one in NEWS for event in views.events(one)),
            }
        },
    }
}


def problem(status: int, says: str) -> Responses:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {status: {"description": says, "content": {"application/problem+json": {"schema": schema}}}}


GONE: Final = problem(404, "It is not registered, or no longer")
FULL: Final = problem(503, "As many as are allowed are there already")
