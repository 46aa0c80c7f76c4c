"""Server-sent events: many clients, each with a short queue; who reads too slowly is cut and may resume.

feed = Feed()                                       # one per stream of events, made in create()
feed.publish(Event({"a": 1}, "registered", "42"))   # on the event loop

@router.get("/v1/watch", response_class=EventStream)
async def watch(last: LastEventId = None) -> EventStream:
    async def events() -> AsyncGenerator[Event, None]:
        with feed.listen(last) as news:             # from here on nothing is missed
            if not news.resumed:
                yield Event(snapshot(), "snapshot", feed.last_id)
            async for event in news:
                yield event

    return stream(service, events())
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final

from fastapi import Header
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from servicekit.connection import cut
from servicekit.service import Service
from servicekit.web.problem import Problem

KEEP_ALIVE_SECONDS: Final = 15.0
SEND_SECONDS: Final = 10.0
CLIENTS: Final = 100

LastEventId = Annotated[
    "str | None", Header(alias="Last-Event-ID", max_length=200, description="Resume after the event with this id")
]


class Event:
    """`data` is a JSON value; `event` names its kind; `id` is what a client resumes after. Written out once."""

    def __init__(self, data: Any, event: str = "", id: str = "") -> None:
        if any(sign in event + id for sign in "\r\n\0"):
            raise ValueError("the name or id of an event holds a line break")
        self.data, self.event, self.id = data, event, id
        head = (f"id: {id}\n" if id else "") + (f"event: {event}\n" if event else "")
        self.raw = f"{head}data: {json.dumps(data)}\n\n".encode()


class News:
    """What one client still has to be sent. `resumed` says that nothing is missing since its last id."""

    def __init__(self, first: list[Event], resumed: bool, most: int) -> None:
        self.resumed = resumed
        self.lost = False
        self._most = most + len(first)
        self._queue: deque[Event] = deque(first)
        self._filled = asyncio.Event()

    def add(self, event: Event) -> None:
        if len(self._queue) >= self._most:
            self.lost = True
            self._queue.clear()
        if not self.lost:
            self._queue.append(event)
        self._filled.set()

    def __aiter__(self) -> News:
        return self

    async def __anext__(self) -> Event:
        """Ends when the client has fallen behind: it comes again with its last id."""
        while not self._queue:
            if self.lost:
                raise StopAsyncIteration
            self._filled.clear()
            await self._filled.wait()
        return self._queue.popleft()


class Feed:
    """Hands events to all who listen, and keeps the last `kept` for those who come again."""

    def __init__(self, kept: int = 500, per_client: int = 256) -> None:
        self._kept: deque[Event] = deque(maxlen=kept)
        self._per_client = per_client
        self._listeners: set[News] = set()

    @property
    def last_id(self) -> str:
        return self._kept[-1].id if self._kept else ""

    def publish(self, event: Event) -> None:
        """On the event loop; from another thread: `loop.call_soon_threadsafe(feed.publish, event)`."""
        self._kept.append(event)
        for news in self._listeners:
            news.add(event)

    @contextmanager
    def listen(self, after: str | None = None) -> Iterator[News]:
        """`after` is the client's last id, if it has one."""
        kept = list(self._kept)
        found = [index for index, event in enumerate(kept) if after and event.id == after]
        news = News(kept[found[-1] + 1 :] if found else [], bool(found), self._per_client)
        self._listeners.add(news)
        try:
            yield news
        finally:
            self._listeners.discard(news)


class EventStream(Response):
    """Sends the events of `source` until it ends, the client goes, or the service stops."""

    media_type = "text/event-stream"

    def __init__(self, service: Service, source: AsyncGenerator[Event, None], status_code: int = 200) -> None:
        super().__init__(status_code=status_code, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._service = service
        self._source = source

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        stop = {asyncio.create_task(_gone(receive)), asyncio.create_task(self._service.stopping.wait())}
        self._service.streams += 1
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await self._pump(send, stop)
        except asyncio.TimeoutError:
            self._service.log.warning("a client of an event stream takes nothing: cut", extra={"path": scope["path"]})
            await cut()
        finally:
            self._service.streams -= 1
            for task in stop:
                task.cancel()

    async def _pump(self, send: Send, stop: set[asyncio.Task[Any]]) -> None:
        await _sent(send, b"retry: 2000\n\n")
        upcoming = asyncio.create_task(_next(self._source))
        try:
            while True:
                await asyncio.wait({upcoming, *stop}, timeout=KEEP_ALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                if any(task.done() for task in stop):
                    break
                if not upcoming.done():
                    await _sent(send, b": keep-alive\n\n")
                elif (event := upcoming.result()) is None:
                    break
                else:
                    await _sent(send, event.raw)
                    upcoming = asyncio.create_task(_next(self._source))
        finally:
            upcoming.cancel()
            await asyncio.wait({upcoming})
            await self._source.aclose()
        await _sent(send, b"", more=False)


async def _next(source: AsyncIterator[Event]) -> Event | None:
    """None at the end: a task cannot carry StopAsyncIteration."""
    try:
        return await source.__anext__()
    except StopAsyncIteration:
        return None


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _sent(send: Send, raw: bytes, more: bool = True) -> None:
    await asyncio.wait_for(send({"type": "http.response.body", "body": raw, "more_body": more}), SEND_SECONDS)


def stream(service: Service, source: AsyncGenerator[Event, None]) -> EventStream:
    """Raises Problem when there are too many streams already."""
    if service.streams >= CLIENTS:
        raise Problem(503, f"there are {CLIENTS} event streams already", {"Retry-After": "10"})
    return EventStream(service, source)
