"""create_app: a FastAPI application with everything that the fleet expects of one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from servicekit.errors import Misconfigured
from servicekit.service import Service
from servicekit.web.guard import Guard
from servicekit.web.json import Json
from servicekit.web.openapi import described
from servicekit.web.problem import on_http_error, on_invalid

STOP_SECONDS: Final = 3.0


def create_app(service: Service, *, title: str, version: str, websockets: bool = False, **more: Any) -> FastAPI:
    """`more` goes to FastAPI as it is. `websockets` says that the service takes WebSocket connections."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await _started(service)
        yield
        await _stopped(service)

    options: dict[str, Any] = {
        "docs_url": None,
        "redoc_url": None,
        "redirect_slashes": False,  # a redirect would be built from the client's own Host header
        "default_response_class": Json,
        **more,
    }
    app = FastAPI(title=title, version=version, lifespan=lifespan, **options)
    app.state.service = service
    app.state.websockets = websockets
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_middleware(Guard, service=service)
    app.openapi = described(app.openapi)  # type: ignore[method-assign]
    return app


async def _started(service: Service) -> None:
    try:
        for hook in service.start_hooks:
            await hook()
    except BaseException as error:
        service.failed = error
        if isinstance(error, Misconfigured):
            service.log.error(str(error))
        else:
            service.log.exception("the service does not start")
        raise


async def _stopped(service: Service) -> None:
    async def run() -> None:
        for hook in reversed(service.stop_hooks):
            try:
                await hook()
            except Exception:  # the others still run
                service.log.exception("a stop hook failed")

    try:
        await asyncio.wait_for(run(), STOP_SECONDS)
    except asyncio.TimeoutError:
        service.log.error("the stop hooks take too long", extra={"after_seconds": STOP_SECONDS})
