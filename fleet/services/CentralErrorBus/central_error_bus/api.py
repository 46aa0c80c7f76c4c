"""The HTTP API. Reads are open; what changes something asks for the fleet's token."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query
from fastapi import Path as InPath
from servicekit.sse import Event, EventStream, LastEventId, stream
from servicekit.web import Problem, require_token

from central_error_bus import asked, models, views
from central_error_bus.answers import Counted, found, taken
from central_error_bus.bus import Bus
from central_error_bus.core.filters import Filter
from central_error_bus.follow import Lost, Step, follow
from central_error_bus.store import groups as group_store
from central_error_bus.store import reading
from servicekit import Service

Wanted = Annotated[Filter, Depends(asked.filtered)]
GroupId = Annotated[str, InPath(pattern=models.GROUP)]


def routes(service: Service, bus: Bus) -> APIRouter:
    router = APIRouter(prefix="/v1")
    router.route_class = Counted.by(bus.measures)

    @router.post("/errors", status_code=202, summary="Publish errors", dependencies=[Depends(require_token)])
    async def publish(body: Annotated[models.OneOrMore, Body()]) -> models.Accepted:
        errors = body if isinstance(body, list) else [body]
        added = await taken(bus, bus.publish([views.incoming(one) for one in errors]))
        return models.Accepted(accepted=len(errors), duplicates=added.duplicates, numbers=list(added.numbers))

    @router.get("/errors", summary="Errors that are kept, the newest first")
    async def errors(
        wanted: Wanted,
        since: asked.Since = None,
        until: asked.Until = None,
        limit: asked.Limit = 50,
        cursor: asked.Cursor = None,
    ) -> models.Errors:
        search = asked.search(wanted, since, until, limit, cursor)
        page = await found(bus, lambda store: reading.search(store, search))
        after = None if page.before is None else str(page.before)
        return models.Errors(errors=[views.error(one) for one in page.errors], cursor=after)

    @router.get("/errors/{number}", summary="One error")
    async def error(number: Annotated[int, InPath(ge=1, le=10**18)]) -> models.ErrorView:
        kept = await found(bus, lambda store: reading.one(store, number))
        if kept is None:
            raise Problem(404, "there is no such error, or it has been removed to make room")
        return views.error(kept)

    @router.get("/groups", summary="Repeated errors, the latest first")
    async def groups(search: Annotated[group_store.GroupSearch, Depends(asked.groups)]) -> models.Groups:
        kept, before = await found(bus, lambda store: group_store.search(store, search))
        return models.Groups(groups=[views.group(one) for one in kept], cursor=None if before is None else str(before))

    @router.get("/groups/{id}", summary="One group")
    async def group(id: GroupId) -> models.GroupView:
        return await one_group(id)

    @router.put("/groups/{id}", summary="Resolve a group, or open it again", dependencies=[Depends(require_token)])
    async def settle(id: GroupId, wish: models.GroupWish) -> models.GroupView:
        if not await taken(bus, bus.settle_group(id, wish.state, wish.note)):
            raise Problem(404, "there is no such group")
        return await one_group(id)

    async def one_group(id: str) -> models.GroupView:
        kept = await found(bus, lambda store: group_store.one(store, id))
        if kept is None:
            raise Problem(404, "there is no such group")
        return views.group(kept)

    @router.get("/stream", response_class=EventStream, summary="Errors as they come")
    async def listen(
        wanted: Wanted,
        last: LastEventId = None,
        after: Annotated[str | None, Query(pattern=models.PLACE, description="as Last-Event-ID, which wins")] = None,
    ) -> EventStream:
        place = asked.place(last if last is not None else after)

        async def events() -> AsyncGenerator[Event, None]:
            async for step in follow(bus.recent, bus.readers, wanted, place):
                yield _event(step)

        return stream(service, events())

    return router


def _event(step: Step) -> Event:
    place = str(step.place)
    if step.news is None:
        return Event({"place": place}, "place", place)
    if isinstance(step.news, Lost):
        return Event(views.lost(step.news).model_dump(mode="json"), "lost", place)
    return Event(views.error(step.news).model_dump(mode="json"), "published", place)
