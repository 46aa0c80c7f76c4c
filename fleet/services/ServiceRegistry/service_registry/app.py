"""The service: the registry, the tasks that sweep and keep it, and the API over it."""

from __future__ import annotations

import asyncio
import secrets
from typing import Final

from fastapi import FastAPI
from servicekit.web import create_app

from service_registry.api import routes
from service_registry.core.clock import Clock
from service_registry.core.history import History
from service_registry.core.registry import Registry
from service_registry.keeping import Keeping
from service_registry.measures import Measures
from service_registry.store import Store
from service_registry.sweeper import Sweeper
from service_registry.watching import Watching
from servicekit import Service, Unhealthy

FILE: Final = "registrations.sqlite"


def create(service: Service) -> FastAPI:
    registry = Registry(Clock(), lambda: secrets.token_hex(16))
    history = History(secrets.token_hex(8))
    store = Store(service.state_dir / FILE, service.log)
    keeping = Keeping(registry, store, service.log, service.report_error)
    sweeper = Sweeper(registry)
    watching = Watching(registry, history)
    measures = Measures(registry, keeping, watching, lambda: service.streams)
    for part in (history, keeping, sweeper, watching, measures):
        registry.listeners.append(part.heard)
    tasks: dict[str, asyncio.Task[None]] = {}

    async def start() -> None:
        await keeping.load()
        service.info("kept_registrations", len(registry))
        tasks["keeping"] = asyncio.create_task(keeping.run())
        tasks["sweeper"] = asyncio.create_task(sweeper.run())

    async def stop() -> None:
        tasks["sweeper"].cancel()
        await keeping.stop(tasks["keeping"])
        await asyncio.to_thread(store.close)

    def disk() -> None:
        if trouble := keeping.trouble():
            raise Unhealthy(f"registrations would not outlive a restart: {trouble}")

    def running() -> None:
        for name, task in tasks.items():
            if task.done():
                raise Unhealthy(f"a task has ended: {name}")

    service.check("disk", disk)
    service.check("tasks", running)
    service.on_start(start)
    service.on_stop(stop)
    service.info("most_registrations", registry.most)
    service.info("epoch", history.epoch)
    service.metrics.register(measures)
    app = create_app(service, title="ServiceRegistry", version="1")
    app.include_router(routes(service, registry, keeping, watching, measures))
    return app
