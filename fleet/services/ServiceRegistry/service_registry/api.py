"""The HTTP API. Reads are open; what changes something asks for the fleet's token."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response
from fastapi import Path as InPath
from servicekit.sse import EventStream, LastEventId, stream
from servicekit.web import Problem, require_token
from starlette.responses import StreamingResponse

from service_registry import models, views
from service_registry.core import query as core
from service_registry.core.query import Found
from service_registry.core.registry import FullError, Registry
from service_registry.described import FULL, GONE, STREAM
from service_registry.keeping import Keeping
from service_registry.measures import Measures
from service_registry.watching import Watching
from servicekit import Service

Id = Annotated[str, InPath(pattern=r"^[0-9a-f]{32}$")]
Capabilities = Annotated[list[models.Capability], Query(max_length=8, description="all of them")]
CANDIDATES: Final = 32
RETRY: Final = {"Retry-After": "5"}


def searching(
    service: Annotated[models.ServiceName | None, Query()] = None,
    machine: Annotated[models.MachineName | None, Query()] = None,
    capability: Capabilities = [],  # noqa: B006 - FastAPI copies it
) -> core.Query:
    return core.Query(service, machine, frozenset(capability))


Search = Annotated[core.Query, Depends(searching)]


def routes(service: Service, registry: Registry, keeping: Keeping, watching: Watching, measures: Measures) -> APIRouter:
    router = APIRouter(prefix="/v1")

    def view(found: Found | None) -> models.View:
        if found is None:
            raise Problem(404, "there is no such registration, or it has expired: register anew")
        return views.view(found, registry.clock.wall())

    @router.post(
        "/registrations",
        status_code=201,
        summary="Register, in place of the same service on the same machine",
        responses=FULL,
        dependencies=[Depends(require_token)],
    )
    async def register(wish: models.Wish, response: Response) -> models.View:
        try:
            found = registry.register(views.wished(wish))
        except FullError:
            raise Problem(503, f"there are {registry.most} registrations already", RETRY) from None
        response.headers["Location"] = f"/v1/registrations/{found.registration.id}"
        made = view(found)  # before the disk takes its time
        await keeping.kept()
        return made

    @router.put(
        "/registrations/{id}/lease",
        summary="Renew for another lease; 404 means: register anew",
        responses=GONE,
        dependencies=[Depends(require_token)],
    )
    async def renew(id: Id) -> models.View:
        found = registry.renew(id)
        measures.renewed(found is not None)
        return view(found)

    @router.delete(
        "/registrations/{id}",
        status_code=204,
        response_class=Response,
        summary="Give up a registration",
        responses=GONE,
        dependencies=[Depends(require_token)],
    )
    async def deregister(id: Id) -> None:
        if registry.deregister(id) is None:
            raise Problem(404, "there is no such registration, or it has expired")
        await keeping.kept()

    @router.get(
        "/registrations", response_model=models.Registrations, summary="Who is registered, by service and machine"
    )
    async def registrations(search: Search) -> StreamingResponse:
        found, wall = registry.find(search), registry.clock.wall()

        async def pieces() -> AsyncIterator[str]:
            for piece in views.listing(found, wall):
                yield piece

        return StreamingResponse(pieces(), media_type="application/json")

    @router.get("/registrations/{id}", summary="One registration", responses=GONE)
    async def registration(id: Id) -> models.View:
        return view(registry.get(id))

    @router.get(
        "/services/{name}", summary=f"Where to reach a service, best first, at most {CANDIDATES}", responses=GONE
    )
    async def candidates(
        name: Annotated[models.ServiceName, InPath()],
        machine: Annotated[models.MachineName | None, Query(description="preferred")] = None,
        capability: Capabilities = [],  # noqa: B006 - FastAPI copies it
    ) -> models.Candidates:
        found = core.in_order(registry.find(core.Query(name, None, frozenset(capability))), machine, CANDIDATES)
        if not found:
            raise Problem(
                404, f"no living instance of {name} is registered" + (" that can do this" if capability else "")
            )
        return models.Candidates(service=name, candidates=[view(one) for one in found])

    @router.get(
        "/watch",
        status_code=200,
        summary="The state and then every change of it, as server-sent events",
        response_class=EventStream,
        responses=STREAM | FULL,
    )
    async def watch(search: Search, last: LastEventId = None) -> EventStream:
        return stream(service, watching.events(search, last))

    return router
