"""A service that does what tests ask of it, well and badly."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from prometheus_client import Counter
from servicekit.sse import Event, EventStream, Feed, LastEventId, stream
from servicekit.web import Problem, create_app, require_token

from servicekit import Service, Unanswered, UndeclaredPeer, Unhealthy


def create(service: Service) -> FastAPI:
    app = create_app(service, title="Tried", version="1")
    unwell = service.run_dir / "unwell"

    def feels() -> None:
        if unwell.exists():
            raise Unhealthy(unwell.read_text())

    async def started() -> None:
        (service.state_dir / "started").write_text(str(os.getpid()))
        if (service.run_dir / "start-slowly").exists():
            await asyncio.sleep(60)

    async def stopped() -> None:
        (service.state_dir / "stopped").write_text(str(os.getpid()))
        if (service.run_dir / "stop-slowly").exists():
            await asyncio.sleep(60)

    service.check("feels", feels)
    service.on_start(started)
    service.on_stop(stopped)
    service.offer("trying")
    service.info("engine", "none")
    app.include_router(good(service))
    app.include_router(bad(service), prefix="/bad")
    app.include_router(events(service))
    return app


def good(service: Service) -> APIRouter:
    router = APIRouter()
    done = Counter("tried_done", "What was done", registry=service.metrics)

    @router.get("/pid")
    async def pid() -> int:
        return os.getpid()

    @router.get("/environment")
    async def environment() -> dict[str, str]:
        return dict(os.environ)

    @router.post("/echo", dependencies=[Depends(require_token)])
    async def echo(value: dict[str, Any]) -> dict[str, Any]:
        done.inc()
        return value

    @router.post("/upload", dependencies=[Depends(require_token)])
    async def upload(request: Request) -> int:
        return sum([len(chunk) async for chunk in request.stream()])

    @router.get("/items/{number}")
    async def item(number: int, text: str = "") -> dict[str, Any]:
        return {"number": number, "text": text}

    @router.get("/slow")
    async def slow(seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "done"

    @router.get("/thread")
    def thread(seconds: float) -> str:
        time.sleep(seconds)
        return "done"

    @router.get("/peer")
    def peer(name: str, path: str) -> dict[str, Any]:
        try:
            reply = service.peers.call(name, "GET", path, timeout=1.0)
        except (Unanswered, UndeclaredPeer) as error:
            raise Problem(502, str(error), kind=type(error).__name__) from error
        return {"status": reply.status, "size": len(reply.body)}

    return router


def bad(service: Service) -> APIRouter:
    router = APIRouter()

    @router.get("/block")
    async def block(seconds: float) -> str:
        time.sleep(seconds)
        return "done"

    @router.get("/fail")
    async def fail(word: str = "internals") -> str:
        raise RuntimeError(f"{word} at 10.0.0.7")

    @router.get("/report")
    async def report(times: int) -> str:
        for number in range(times):
            service.report_error(f"trouble {number}", number=number, where="here")
        return "done"

    @router.get("/cut")
    async def cut() -> EventStream:
        async def source() -> AsyncGenerator[Event, None]:
            yield Event("begun")
            raise RuntimeError("in the middle of an answer")

        return EventStream(service, source())

    @router.get("/task")
    async def task() -> str:
        async def fails() -> None:
            raise RuntimeError("nobody awaits this")

        asyncio.create_task(fails()).add_done_callback(lambda _: None)
        return "done"

    @router.get("/leave")
    async def leave() -> str:
        os._exit(7)

    return router


def events(service: Service) -> APIRouter:
    router = APIRouter()
    feed = Feed(kept=10, per_client=20)
    sent = 0

    @router.post("/events", dependencies=[Depends(require_token)])
    async def publish(times: int = 1, size: int = 1) -> int:
        nonlocal sent
        for _ in range(times):
            sent += 1
            feed.publish(Event("x" * size, "told", str(sent)))
        return sent

    @router.get("/events", response_class=EventStream)
    async def listen(last: LastEventId = None) -> EventStream:
        async def source() -> AsyncGenerator[Event, None]:
            with feed.listen(last) as news:
                if not news.resumed:
                    yield Event({"sent": sent}, "snapshot", feed.last_id)
                async for event in news:
                    yield event

        return stream(service, source())

    return router
