"""The health port: GET /health, /metrics and /info over a small HTTP/1.1 server that hostile clients cannot hold.

One request per connection, few connections, short deadlines, short heads, no bodies. It lives in a loop of its own, so
that it answers while the service's loop does not.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

CONNECTIONS: Final = 32
BACKLOG: Final = 128
HEAD_BYTES: Final = 8 * 1024
READ_SECONDS: Final = 2.0
ANSWER_SECONDS: Final = 5.0
METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
PHRASES: Final = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    503: "Service Unavailable",
}

log: Final = logging.getLogger(__name__)


class Told(Protocol):
    """Who knows the answers: one service in this process, or the parent of several workers."""

    async def health(self) -> dict[str, Any]: ...
    async def metrics(self) -> bytes: ...
    async def info(self) -> dict[str, Any]: ...


Answer = tuple[int, str, bytes]
Answering = Callable[[], Awaitable[Answer]]


def problem(status: int, detail: str) -> Answer:
    body = {"type": "about:blank", "title": PHRASES[status], "status": status, "detail": detail}
    return status, "application/problem+json", json.dumps(body).encode()


class HealthPort:
    def __init__(self, told: Told) -> None:
        self._told = told
        self._clients: dict[asyncio.StreamWriter, None] = {}  # oldest first
        self._paths: dict[str, Answering] = {"/health": self._health, "/metrics": self._metrics, "/info": self._info}

    async def serve(self, sock: socket.socket) -> asyncio.AbstractServer:
        return await asyncio.start_server(self._client, sock=sock, limit=HEAD_BYTES, backlog=BACKLOG)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._make_room()
        self._clients[writer] = None
        try:
            await asyncio.wait_for(self._exchange(reader, writer), READ_SECONDS + ANSWER_SECONDS)
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
            pass  # gone, too slow, or silent: nobody to answer
        finally:
            self._clients.pop(writer, None)
            writer.transport.abort()

    def _make_room(self) -> None:
        """Who has waited longest goes: clients that hold connections open cannot keep out one that asks."""
        while len(self._clients) >= CONNECTIONS:
            oldest = next(iter(self._clients))
            del self._clients[oldest]
            oldest.transport.abort()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), READ_SECONDS)
        except asyncio.LimitOverrunError:
            head = b""
        method, answer = await self._answer(head)
        await _write(writer, answer, with_body=method != b"HEAD")

    async def _answer(self, head: bytes) -> tuple[bytes, Answer]:
        words = head.split(b"\r\n", 1)[0].split(b" ")
        if len(words) != 3 or words[2] not in (b"HTTP/1.1", b"HTTP/1.0"):
            return b"", problem(400, "not an HTTP/1.1 request, or too long")
        answering = self._paths.get(words[1].split(b"?", 1)[0].decode("latin-1"))
        if answering is None:
            return words[0], problem(404, "there are /health, /metrics and /info")
        if words[0] not in (b"GET", b"HEAD"):
            return words[0], problem(405, "only GET and HEAD")
        try:
            return words[0], await answering()
        except asyncio.TimeoutError:
            return words[0], problem(503, "the service does not answer in time")
        except Exception:  # a service's own metrics, most likely
            log.exception("the health port could not answer")
            return words[0], problem(503, "the service cannot tell; it has logged why")

    async def _health(self) -> Answer:
        found = await self._told.health()
        return 200 if found["status"] == "ok" else 503, "application/json", json.dumps(found).encode()

    async def _metrics(self) -> Answer:
        return 200, METRICS_TYPE, await self._told.metrics()

    async def _info(self) -> Answer:
        return 200, "application/json", json.dumps(await self._told.info(), default=str).encode()


async def _write(writer: asyncio.StreamWriter, answer: Answer, with_body: bool) -> None:
    status, kind, body = answer
    head = (
        f"HTTP/1.1 {status} {PHRASES[status]}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        f"{'Allow: GET, HEAD' + chr(13) + chr(10) if status == 405 else ''}"
        "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    )
    writer.write(head.encode() + (body if with_body else b""))
    await writer.drain()
    writer.close()
    await writer.wait_closed()
