"""The service: the bus in the application's loop, the API over it."""

from __future__ import annotations

import os

from fastapi import FastAPI
from servicekit.web import create_app

from central_error_bus import limits
from central_error_bus.api import routes
from central_error_bus.bus import Bus
from central_error_bus.measures import Measures, Numbers
from central_error_bus.store.opening import asides
from servicekit import Misconfigured, Service, Unhealthy


def create(service: Service) -> FastAPI:
    try:
        bounds = limits.from_environment(os.environ)
    except ValueError as error:
        raise Misconfigured(str(error)) from error
    bus = Bus(service.state_dir, bounds, Measures(service.metrics), service.log)

    async def start() -> None:
        await bus.start()
        service.info("search", "fts5" if bus.store.searches_by_index else "like")
        service.info("bounds", {name: getattr(bounds, name) for name in ("errors", "groups", "disk_bytes")})
        service.info("set_aside", asides(service.state_dir))

    def numbers() -> dict[str, tuple[str, float]]:
        return {**bus.numbers(), "errorbus_subscribers": ("Who listens.", service.streams)}

    def writer() -> None:
        if not bus.writer.alive():
            raise Unhealthy("the thread that writes errors down has ended")

    def store() -> None:
        if bus.writer.problem:
            raise Unhealthy(f"errors cannot be written down: {bus.writer.problem}")

    service.check("writer", writer)
    service.check("store", store)
    service.on_start(start)
    service.on_stop(bus.stop)
    service.metrics.register(Numbers(numbers))
    app = create_app(service, title="CentralErrorBus", version="1")
    app.include_router(routes(service, bus))
    return app
