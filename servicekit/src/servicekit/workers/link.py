"""What parent and worker say to each other over a socket pair: one JSON object a line, asked and answered.

The parent asks {"id": 1, "ask": "health"}; the worker answers {"id": 1, "told": …}. The end of the line, in either
direction, is the death of the other.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

LINE_BYTES: Final = 8 * 1024 * 1024  # /metrics of one worker

Answers = Mapping[str, Callable[[], Awaitable[Any]]]


class Gone(Exception):
    """The other process has ended."""


async def streams(sock: socket.socket) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    sock.setblocking(False)
    return await asyncio.open_unix_connection(sock=sock, limit=LINE_BYTES)


async def answer(sock: socket.socket, answers: Answers, ended: Callable[[], None]) -> None:
    """The worker's side, until the parent is gone; then `ended` is called."""
    reader, writer = await streams(sock)
    try:
        while line := await reader.readline():
            asked = json.loads(line)
            told = await answers[asked["ask"]]()
            writer.write(json.dumps({"id": asked["id"], "told": told}, default=str).encode() + b"\n")
            await writer.drain()
    except OSError:
        pass  # gone as well
    finally:
        ended()


class Line:
    """The parent's side. One question at a time; what comes too late is thrown away."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._lock = asyncio.Lock()
        self._last = 0

    async def ask(self, what: str, seconds: float) -> Any:
        """Raises asyncio.TimeoutError when no answer comes in time, and Gone."""
        return await asyncio.wait_for(self._asked(what), seconds)

    async def _asked(self, what: str) -> Any:
        async with self._lock:
            self._last += 1
            try:
                self._writer.write(json.dumps({"id": self._last, "ask": what}).encode() + b"\n")
                await self._writer.drain()
                while line := await self._reader.readline():
                    answer = json.loads(line)
                    if answer["id"] == self._last:
                        return answer["told"]
            except (OSError, ValueError) as error:
                raise Gone from error
            raise Gone

    def close(self) -> None:
        self._writer.close()
