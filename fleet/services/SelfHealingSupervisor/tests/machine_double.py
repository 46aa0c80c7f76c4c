"""An engine whose containers live: they start, end, hang and answer on loopback, and every change is an event."""

from __future__ import annotations

import asyncio
import json
import os
import time
from datetime import UTC, datetime
from typing import Any

from engine_double import LABELS, EngineDouble, Head, container

APPROVED = "a" * 64  # the image that the operator approved of every container


def stamp() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}000Z"


class Program:
    """What runs in a container: an HTTP answer on its own loopback address, or silence while `hung`."""

    def __init__(self, address: str, port: int) -> None:
        self.address, self.port = address, port
        self.hung = False
        self.answer = (200, b'{"status":"ok"}')
        self._server: asyncio.Server | None = None

    async def begin(self) -> None:
        self.hung = False
        self._server = await asyncio.start_server(self._serve, self.address, self.port)

    async def end(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            while self.hung:
                await asyncio.sleep(0.05)
            status, raw = self.answer
            writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(raw)}\r\n\r\n".encode() + raw)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


class MachineDouble(EngineDouble):
    """`outside_*` are what people do with the docker client; the rest comes over the socket."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port
        self.containers.clear()
        self.programs: dict[str, Program] = {}
        self.starts: list[str] = []
        self.startable = True
        self.natures: dict[str, str] = {}  # digest -> "crashes" or "mute"; all others are good
        self.here = {APPROVED}  # digests of images that are here
        self.there: set[str] = set()  # and of those that can be pulled
        self.kept: list[str] = []  # what was asked to be tagged -prev
        self.claimed = False
        self.fails_at = 0  # the act on a container, counted from 1, that the engine fails at
        self.count = 0
        self.locks: list[str] = []  # POST: taken, DELETE: left
        self.tags: dict[str, str] = {}  # container:tag -> digest, of images that are here
        self._made = 0

    def make(self, name: str, digest: str = APPROVED) -> str:
        self._made += 1
        ident = f"{self._made:064x}"
        found = container(ident, name, LABELS)
        pid = os.getpid()  # tests that run at the same time have addresses of their own
        address = f"127.{1 + pid // 250 % 250}.{pid % 250}.{self._made}"
        found["State"] |= {"Status": "created", "StartedAt": "0001-01-01T00:00:00Z"}
        found["NetworkSettings"]["Networks"]["bridge"]["IPAddress"] = address
        found["Config"]["Image"] = f"registry.test/fleet/{name}@sha256:{digest}"
        self.containers[ident] = found
        self.programs[ident] = Program(address, self.port)
        self._event(ident, "create")
        return ident

    def by_name(self, name: str) -> str:
        return next(ident for ident, one in self.containers.items() if one["Name"] == f"/{name}")

    def nature(self, ident: str) -> str:
        return self.natures.get(self.containers[ident]["Config"]["Image"][-64:], "good")

    def digest(self, name: str) -> str:
        """Of the image that a container has; empty when there is none of that name."""
        found = [one["Config"]["Image"][-64:] for one in self.containers.values() if one["Name"] == f"/{name}"]
        return found[0] if found else ""

    async def start(self, ident: str) -> None:
        await self.programs[ident].begin()
        self.programs[ident].hung = self.nature(ident) == "mute"
        self.containers[ident]["State"] |= {"Status": "running", "StartedAt": stamp()}
        self.starts.append(self.containers[ident]["Name"][1:])
        self._event(ident, "start")
        if self.nature(ident) == "crashes":
            await self.end(ident, 3)

    async def end(self, ident: str, code: int) -> None:
        await self.programs[ident].end()
        self.containers[ident]["State"] |= {"Status": "exited", "ExitCode": code}
        self._event(ident, "die", exitCode=str(code))

    async def outside_stop(self, ident: str) -> None:
        self._event(ident, "kill", signal="15")
        await self.end(ident, 143)
        self._event(ident, "stop")

    async def outside_remove(self, ident: str) -> None:
        self._event(ident, "kill", signal="9")
        await self.end(ident, 137)
        self._event(ident, "destroy")
        del self.containers[ident]

    def _event(self, ident: str, action: str, **attributes: str) -> None:
        name = self.containers[ident]["Name"][1:]
        event = {
            "Type": "container",
            "Action": action,
            "Actor": {"ID": ident, "Attributes": {"name": name, **LABELS, **attributes}},
            "timeNano": time.time_ns(),
        }
        self.events.put_nowait(json.dumps(event).encode() + b"\n")

    async def answer(self, sent: Head) -> tuple[int, Any]:
        path, _, query = sent[1].partition("?")
        if path == "/containers/json":
            return 200, [
                {"Id": i, "Names": [one["Name"]], "State": one["State"]["Status"]} for i, one in self.containers.items()
            ]
        if path == "/containers/create":
            said = dict(part.split("=") for part in query.split("&"))
            self.make(said["name"], said.get("digest", APPROVED))
            return 201, {}
        if path.startswith("/images/"):
            return self.about_image(path, dict(part.split("=") for part in query.split("&")))
        if path.startswith("/networks/"):
            self.locks.append(sent[0])
            return (409 if self.claimed else 201), {"message": "the lock"}
        ref, _, verb = path.removeprefix("/containers/").partition("/")
        names = {one["Name"][1:]: ident for ident, one in self.containers.items()}
        ident = ref if ref in self.containers else names.get(ref, "")
        if not ident:
            return 404, {"message": f"No such container: {ref}"}
        running = self.containers[ident]["State"]["Status"] == "running"
        if sent[0] in ("POST", "DELETE"):
            self.count += 1
            if self.count == self.fails_at:
                return 500, {"message": "the engine is out of order"}
        if verb == "json":
            return 200, self.containers[ident]
        if sent[0] == "DELETE" and not running:
            self._event(ident, "destroy")
            del self.containers[ident]
            return 204, b""
        if verb == "start" and not self.startable:
            return 500, {"message": "port is already allocated"}
        if verb == "start" and not running:
            await self.start(ident)
        elif verb == "kill" and not running:
            return 409, {"message": "is not running"}
        elif verb == "kill":
            self._event(ident, "kill", signal=query.removeprefix("signal="))
            if "SIGKILL" in query or not self.programs[ident].hung:
                await self.end(ident, 137)
        elif verb == "logs":
            return 200, b"\x01\0\0\0\0\0\0\x0dthe last one\n"
        elif verb == "stats":
            return 200, {"memory_stats": {"usage": 50 * 2**20, "stats": {"inactive_file": 2**20}}}
        return 204, b""

    def about_image(self, path: str, said: dict[str, str]) -> tuple[int, Any]:
        digest = said.get("digest", APPROVED)
        if path == "/images/tag":
            self.kept.append(f"{said['name']} {digest}")
            return 201, b""
        if path == "/images/json" and "tag" in said:
            found = self.tags.get(f"{said['name']}:{said['tag']}")
            repository = f"registry.test/fleet/{said['name'].removeprefix('dockwright-')}"
            return (200, {"RepoDigests": [f"{repository}@sha256:{found}"]}) if found else (404, {"message": "none"})
        if path == "/images/json":
            return (200, {"Id": f"sha256:{digest}"}) if digest in self.here else (404, {"message": "no such image"})
        if digest not in self.there:
            return 502, {"message": "the engine: it does not come: not found"}
        self.here.add(digest)
        return 200, {"Id": f"sha256:{digest}"}
