"""The service: following and keeping in the application's loop, the API over them."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from fastapi import FastAPI
from servicekit.web import create_app

from servicekit import Service, Unanswered, UndeclaredPeer, Unhealthy
from unified_observability_center.api import page, showing, telling
from unified_observability_center.around import TIMEOUT, Around
from unified_observability_center.center import Center
from unified_observability_center.overview import Overview

BLIND_SECONDS: Final = 15.0


def create(service: Service) -> FastAPI:
    center = Center(service.state_dir, service.run_dir, service.log)

    def get(peer: str, machine: str, path: str) -> Any:
        answer = service.peers.call(peer, "GET", path, machine=machine, timeout=TIMEOUT)
        if answer.status != 200:
            raise Unanswered(f"{peer} answers {answer.status}")
        return answer.json()

    def machines(peer: str) -> tuple[str, ...]:
        try:
            return service.peers.machines(peer)
        except UndeclaredPeer:  # it does not run anywhere that has an address here
            return ()

    around = Around(get, machines, service.log)
    tasks: dict[str, asyncio.Task[None]] = {}

    async def start() -> None:
        await center.open()
        for name, run in {**center.runs(), "around": around.run}.items():
            tasks[name] = asyncio.ensure_future(run())

    async def stop() -> None:
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        await around.stop()
        await center.close()

    def desired() -> None:
        if center.file.problem and time.monotonic() - center.began > BLIND_SECONDS:
            raise Unhealthy(f"what is desired cannot be read: {center.file.problem}")

    def store() -> None:
        if center.database.problem:
            raise Unhealthy(f"what happens cannot be kept: {center.database.problem}")

    def running() -> None:
        for name, task in tasks.items():
            if task.done():
                raise Unhealthy(f"a task has ended: {name}")

    for name, check in (("desired", desired), ("store", store), ("tasks", running)):
        service.check(name, check)
    service.on_start(start)
    service.on_stop(stop)
    app = create_app(service, title="UnifiedObservabilityCenter", version="1")
    app.include_router(telling.routes(center))
    app.include_router(showing.routes(center, Overview(center, around, service.machine)))
    app.include_router(page.routes())
    return app
