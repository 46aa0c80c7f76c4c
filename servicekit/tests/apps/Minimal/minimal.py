"""The smallest service that does something."""

from __future__ import annotations

from typing import Any

from fastapi import Depends, FastAPI
from servicekit.web import create_app, require_token

from servicekit import Service


def create(service: Service) -> FastAPI:
    app = create_app(service, title="Minimal", version="1")
    kept: dict[str, Any] = {}

    @app.get("/v1/kept")
    async def read() -> dict[str, Any]:
        return kept

    @app.put("/v1/kept", dependencies=[Depends(require_token)])
    async def write(values: dict[str, Any]) -> dict[str, Any]:
        kept.update(values)
        return kept

    return app
