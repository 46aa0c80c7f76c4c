"""The filter as it runs, over its UNIX socket, in front of an engine double, and what a client of it asks."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn
from bodies import BODY
from engine_double import EngineDouble
from self_healing_supervisor.filter.__main__ import listen, settings
from self_healing_supervisor.filter.app import Filter
from self_healing_supervisor.filter.journal import Journal
from self_healing_supervisor.filter.upstream import Engine
from self_healing_supervisor.http1 import Answer, Request, ask, unix

REGISTRY, DIGEST = "registry.test:5000/fleet", "d" * 64


def built_for(title: str | None) -> dict[str, Any]:
    labels = {} if title is None else {"org.opencontainers.image.title": title}
    return {"Id": "sha256:" + "e" * 64, "Config": {"Labels": labels, "Env": ["SECRET=1"]}}


class Guarded:
    def __init__(self, folder: Path, engine: EngineDouble) -> None:
        self.folder = folder
        self.engine = engine
        self.log = io.StringIO()
        self.path = folder / "filter.sock"
        (folder / "instances").mkdir()
        self.approve("dockwright-alpha", BODY)
        self.follow(REGISTRY)

    def follow(self, registry: object) -> None:
        (self.folder / "desired.json").write_text(json.dumps({"follow": {"registry": registry}, "instances": []}))

    def approve(self, name: str, body: object) -> None:
        (self.folder / "instances" / f"{name}.json").write_text(json.dumps(body, indent=4))

    async def ask(self, method: str, target: str, body: bytes = b"") -> Answer:
        return await ask(unix(str(self.path)), Request(method, target, body=body), 5.0, 1_000_000)

    async def create(self, name: str = "dockwright-alpha", digest: str = "", body: bytes = b"") -> Answer:
        about = f"name={name}" + (f"&digest={digest}" if digest else "")
        return await self.ask("POST", f"/v1.45/containers/create?{about}", body)

    async def raw(self, sent: bytes, idle: float = 0.5) -> bytes:
        """All that comes back until the connection ends or nothing more comes."""
        reader, writer = await asyncio.open_unix_connection(str(self.path))
        writer.write(sent)
        found = b""
        try:
            while True:
                async with asyncio.timeout(idle):
                    part = await reader.read(65536)
                if not part:
                    return found
                found += part
        except (TimeoutError, ConnectionError):
            return found
        finally:
            writer.close()

    @property
    def refusals(self) -> list[dict[str, Any]]:
        rows = [json.loads(line) for line in self.log.getvalue().splitlines()]
        return [row for row in rows if row["message"] == "refused"]


@asynccontextmanager
async def guarded(folder: Path, engine: EngineDouble) -> AsyncIterator[Guarded]:
    one = Guarded(folder, engine)
    await engine.listen(folder / "engine.sock")
    app = Filter(Engine(str(folder / "engine.sock"), folder / "login"), folder, Journal(one.log))
    server = uvicorn.Server(settings(app))
    task = asyncio.create_task(server.serve(sockets=[listen(one.path)]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield one
    finally:
        server.should_exit = server.force_exit = True
        await task
        await engine.close()
