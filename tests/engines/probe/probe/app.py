"""A service that tests put in place of one that the blueprint names: on its family, its ports and its machines."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pydantic
from fastapi import FastAPI
from servicekit.web import create_app

from servicekit import Service


class Echo(pydantic.BaseModel):
    """A model that pydantic 1 and 2 both know."""

    count: int


def create(service: Service) -> FastAPI:
    app = create_app(service, title=service.name, version="1")

    @app.get("/v1/facts")
    async def facts() -> dict[str, Any]:
        """What this process runs as, and on what."""
        return {
            "python": f"{sys.version_info.major}.{sys.version_info.minor}",
            "pydantic": pydantic.VERSION,
            "user": [os.getuid(), os.getgid()],
            "writable": [folder for folder in ("/", "/app", "/etc", "/usr") if os.access(folder, os.W_OK)],
            "byte_code": sorted(path.name for path in Path(__file__).parent.glob("__pycache__/*")),
        }

    @app.post("/v1/echo")
    async def echo(body: Echo) -> Echo:
        return body

    return app
