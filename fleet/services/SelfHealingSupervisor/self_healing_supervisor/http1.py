"""One HTTP/1.1 request over one connection, with h11; every size and every wait is bounded.

Used towards the Docker engine, towards the filter, and towards the health ports. A connection serves one request: a
fresh connection is what a health check wants to prove, and over a UNIX socket it costs next to nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import h11

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Opener = Callable[[], Awaitable[Streams]]

HEAD_BYTES = 32 * 1024
READ_BYTES = 64 * 1024


class Unanswered(Exception):
    """No usable HTTP answer: refused, timed out, cut off or malformed. str() says which."""


@dataclass(frozen=True)
class Request:
    """What is sent. `target` is the request target as it goes over the wire; nothing is encoded here."""

    method: str
    target: str
    host: str = "docker"
    body: bytes = b""
    more: tuple[tuple[str, str], ...] = ()  # further headers

    def head(self) -> h11.Request:
        headers = [("Host", self.host), ("Connection", "close"), ("Content-Length", str(len(self.body))), *self.more]
        if self.body:
            headers.append(("Content-Type", "application/json"))
        return h11.Request(method=self.method, target=self.target, headers=headers)


@dataclass(frozen=True)
class Answer:
    """A whole answer. `body` holds at most the number of bytes that was asked for; `cut` says that there was more."""

    status: int
    headers: dict[str, str]
    body: bytes
    cut: bool = False


class Exchange:
    """An answer whose head has arrived; iterate `chunks` for its body."""

    def __init__(self, status: int, headers: dict[str, str], chunks: AsyncIterator[bytes]) -> None:
        self.status = status
        self.headers = headers
        self.chunks = chunks


def unix(path: str) -> Opener:
    async def connect() -> Streams:
        return await asyncio.open_unix_connection(path)

    return connect


def tcp(host: str, port: int) -> Opener:
    async def connect() -> Streams:
        return await asyncio.open_connection(host, port)

    return connect


async def _next(conn: h11.Connection, reader: asyncio.StreamReader) -> h11.Event | type[h11.PAUSED]:
    while True:
        event = conn.next_event()
        if event is not h11.NEED_DATA:
            return event  # type: ignore[return-value]  # NEED_DATA is ruled out
        conn.receive_data(await reader.read(READ_BYTES))


async def _chunks(conn: h11.Connection, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while True:
        event = await _next(conn, reader)
        if isinstance(event, h11.Data):
            yield bytes(event.data)
        else:
            return


async def _head(conn: h11.Connection, streams: Streams, request: Request) -> h11.Response:
    reader, writer = streams
    for event in (request.head(), h11.Data(data=request.body), h11.EndOfMessage()):
        writer.write(conn.send(event) or b"")
    await writer.drain()
    while True:
        answer = await _next(conn, reader)
        if isinstance(answer, h11.Response):
            return answer
        if not isinstance(answer, h11.InformationalResponse):
            raise Unanswered("the connection was closed before an answer")


@asynccontextmanager
async def exchange(opener: Opener, request: Request, head_seconds: float) -> AsyncIterator[Exchange]:
    """Sends `request` and waits at most `head_seconds` for the answer's head. Raises Unanswered."""
    writer: asyncio.StreamWriter | None = None
    conn = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_BYTES)
    try:
        async with asyncio.timeout(head_seconds):
            reader, writer = await opener()
            head = await _head(conn, (reader, writer), request)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
        yield Exchange(head.status_code, headers, _chunks(conn, reader))
    except TimeoutError as error:
        raise Unanswered(f"no answer within {head_seconds:g} s") from error
    except OSError as error:
        raise Unanswered(error.strerror or str(error) or type(error).__name__) from error
    except h11.RemoteProtocolError as error:
        raise Unanswered(f"not HTTP: {error}") from error
    finally:
        if writer is not None:
            writer.transport.abort()


async def ask(opener: Opener, request: Request, seconds: float, most: int) -> Answer:
    """The whole answer within `seconds`, at most `most` bytes of its body. Raises Unanswered."""
    try:
        async with asyncio.timeout(seconds), exchange(opener, request, seconds) as found:
            body = bytearray()
            async for chunk in found.chunks:
                body += chunk
                if len(body) > most:
                    break
            return Answer(found.status, found.headers, bytes(body[:most]), cut=len(body) > most)
    except TimeoutError as error:
        raise Unanswered(f"no answer within {seconds:g} s") from error
