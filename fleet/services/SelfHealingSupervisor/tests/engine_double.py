"""A small engine on a UNIX socket: it answers in the recorded shape of Docker 26.1 and keeps every request's bytes."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

LABELS = {
    "io.dockwright.fleet": "dockwright",
    "io.dockwright.role": "instance",
    "io.dockwright.service": "Alpha",
    "io.dockwright.machine": "mainpc",
}
Head = tuple[str, str, bytes]  # method, target, body
ALPHA, FOREIGN, GUARD = "a" * 64, "f" * 64, "9" * 64


def container(ident: str, name: str, labels: dict[str, str]) -> dict[str, Any]:
    """What the engine says of a running container."""
    return {
        "Id": ident,
        "Name": f"/{name}",
        "Created": "2026-11-24T11:00:00.000000000Z",
        "State": {
            "Status": "running", "Running": True, "ExitCode": 0, "OOMKilled": False, "Error": "", "Pid": 4711,
            "StartedAt": "2026-11-24T11:00:00.123456789Z", "FinishedAt": "0001-01-01T00:00:00Z",
        },
        "Image": "sha256:" + "1" * 64,
        "Config": {"Labels": labels, "Env": ["SECRET=1"], "Cmd": ["secret"], "Image": "tiny"},
        "HostConfig": {"Memory": 0, "NetworkMode": "bridge", "Binds": ["/secret:/secret"]},
        "NetworkSettings": {"Networks": {"bridge": {"IPAddress": "172.17.0.2", "Gateway": "172.17.0.1"}}},
        "RestartCount": 0,
    }  # fmt: skip


class EngineDouble:
    """`containers` by id; `heads` is what arrived: (method, target, body)."""

    def __init__(self, version: str = "1.45", oldest: str = "1.24") -> None:
        self.version = version
        self.oldest = oldest
        self.containers = {
            ALPHA: container(ALPHA, "dockwright-alpha", LABELS),
            FOREIGN: container(FOREIGN, "somebody-elses", {"io.dockwright.fleet": "other"}),
            GUARD: container(GUARD, "dockwright-filter", {**LABELS, "io.dockwright.role": "filter"}),
        }
        self.network: dict[str, Any] | None = None  # the deploy lock
        self.images: dict[str, dict[str, Any]] = {}  # by reference
        self.pulled = b'{"status":"Status: Downloaded newer image"}\r\n'
        self.logins: list[str] = []  # beside `heads`
        self.heads: list[Head] = []
        self.events: asyncio.Queue[bytes] = asyncio.Queue()
        self.open_streams = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def listen(self, path: Path) -> None:
        self._server = await asyncio.start_unix_server(self._serve, str(path))

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def cut(self) -> None:
        """Ends every connection, as an engine that is restarted."""
        for writer in self._writers:
            writer.transport.abort()
        await self.close()

    @property
    def acts(self) -> list[tuple[str, str]]:
        return [(method, target) for method, target, _ in self.heads if method == "POST"]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            line, *rows = head.decode().split("\r\n")
            method, target, _ = line.split(" ")
            headers = {name.lower(): value.strip() for name, _, value in (row.partition(":") for row in rows if row)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.logins.append(headers.get("x-registry-auth", ""))
            sent = (method, target, body)
            self.heads.append(sent)
            path = re.sub(r"^/v1\.\d+", "", target.partition("?")[0])
            if path == "/events":
                await self._stream(reader, writer)
            else:
                status, found = await self.answer((method, path + "?" + target.partition("?")[2], body))
                raw = found if isinstance(found, bytes) else json.dumps(found).encode()
                writer.write(
                    f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nX-Inner: secret\r\n"
                    f"Content-Length: {len(raw)}\r\n\r\n".encode()
                    + raw
                )
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open_streams += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        gone = asyncio.create_task(reader.read(1))
        try:
            while True:
                get = asyncio.create_task(self.events.get())
                await asyncio.wait({gone, get}, return_when=asyncio.FIRST_COMPLETED)
                if gone.done():
                    get.cancel()
                    return
                line = get.result()
                writer.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
                await writer.drain()
        finally:
            self.open_streams -= 1

    async def answer(self, sent: Head) -> tuple[int, Any]:
        """Status and content; a content of bytes is sent as it is."""
        method, path = sent[0], sent[1].partition("?")[0]
        if path == "/version":
            return 200, {"ApiVersion": self.version, "MinAPIVersion": self.oldest}
        if path == "/_ping":
            return 200, b"OK"
        if path == "/containers/json":
            return 200, []
        if path == "/containers/create":
            return 201, {"Id": "c" * 64, "Warnings": []}
        if path == "/networks/create":
            self.network = json.loads(sent[2])
            return 201, {}
        if path == "/networks/dockwright-deploy-lock":
            found, self.network = self.network, None if method == "DELETE" else self.network
            return (204 if method == "DELETE" else 200, found) if found else (404, {})
        if path.startswith("/images/"):
            return self.on_image(method, path.removeprefix("/images/"))
        ref, _, verb = path.removeprefix("/containers/").partition("/")
        by_name = {one["Name"][1:]: one for one in self.containers.values()}
        # As the engine does it: full id, then full name, then a prefix of an id.
        prefixed = [one for ident, one in self.containers.items() if ident.startswith(ref)]
        found = self.containers.get(ref) or by_name.get(ref) or (prefixed[0] if len(prefixed) == 1 else None)
        if found is None:
            return 404, {"message": f"No such container: {ref}"}
        if (method, verb) == ("GET", "json"):
            return 200, found
        return (204, b"") if method in ("POST", "DELETE") else (200, b"")

    def on_image(self, method: str, path: str) -> tuple[int, Any]:
        if (method, path) == ("POST", "create"):
            return 200, self.pulled
        reference, _, verb = path.rpartition("/")
        if reference not in self.images:
            return 404, {"message": f"No such image: {reference}"}
        return (200, self.images[reference]) if verb == "json" else (201, b"")
