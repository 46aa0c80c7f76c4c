"""One GET over one connection, with h11; every size and every wait is bounded.

A connection serves one question: that a new one can be made is part of what a health question proves.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import Final

import h11

HEAD_BYTES: Final = 16 * 1024
READ_BYTES: Final = 64 * 1024


class Unanswered(Exception):
    """No usable HTTP answer: refused, timed out, cut off or malformed. str() says which."""


@dataclass(frozen=True)
class Answer:
    """`body` is cut where it is longer than what was asked for."""

    status: int
    body: bytes


async def get(address: str, port: int, path: str, seconds: float, most: int) -> Answer:
    """`address` is an IPv4 address, so that no resolver is waited for, nor answers ::1. Raises Unanswered."""
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(address, port, limit=READ_BYTES)
            try:
                return await _exchange(reader, writer, f"{address}:{port}", path, most)
            finally:
                writer.transport.abort()
    except TimeoutError as error:
        raise Unanswered(f"no answer within {seconds:g} s") from error
    except OSError as error:  # asyncio's own texts repeat the address; the system's say what happened
        raise Unanswered(os.strerror(error.errno).lower() if error.errno else type(error).__name__) from error
    except h11.RemoteProtocolError as error:
        raise Unanswered(f"not HTTP: {error}") from error


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, path: str, most: int
) -> Answer:
    conn = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_BYTES)
    head = [("Host", host), ("Connection", "close"), ("Accept", "application/json")]
    writer.write(conn.send(h11.Request(method="GET", target=path, headers=head)) or b"")
    writer.write(conn.send(h11.EndOfMessage()) or b"")
    await writer.drain()
    status, body = 0, bytearray()
    while True:
        event = conn.next_event()
        if event is h11.NEED_DATA:
            conn.receive_data(await reader.read(READ_BYTES))
        elif isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > most:
                return Answer(status, bytes(body[:most]))
        elif isinstance(event, h11.EndOfMessage):
            return Answer(status, bytes(body))
        elif not isinstance(event, h11.InformationalResponse):
            raise Unanswered("the connection was closed before an answer")
