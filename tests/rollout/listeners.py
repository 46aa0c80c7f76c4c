"""Real listeners on loopback that answer well, badly, slowly or not at all."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# What is done with a connection whose request has come; the event is set when the listener closes.
Behaviour = Callable[[socket.socket, threading.Event], None]


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, behave: Behaviour) -> None:
        self.behave = behave
        self.closing = threading.Event()
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, _Server)
        try:
            while self.rfile.readline().strip():
                pass
            self.server.behave(self.connection, self.server.closing)
        except OSError:
            pass  # The client went away, which some behaviours wait for.


@contextmanager
def listener(behave: Behaviour) -> Iterator[int]:
    """The port of a listener; every connection is handled in a thread of its own."""
    with _Server(behave) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.closing.set()
            server.shutdown()
            thread.join()


def answer(status: int, content: object = None) -> bytes:
    """An HTTP answer; content that is no bytes is sent as JSON."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


def says(raw: bytes) -> Behaviour:
    """Sends these bytes and closes."""
    return lambda connection, _: connection.sendall(raw)


def in_turn(*raws: bytes) -> Behaviour:
    """One answer after the other; the last one for ever."""
    waiting = list(raws)
    return lambda connection, _: connection.sendall(waiting.pop(0) if len(waiting) > 1 else waiting[0])


def silent(_: socket.socket, closing: threading.Event) -> None:
    """Accepts, and says nothing."""
    closing.wait(60)


def dripping(raw: bytes, seconds: float = 30) -> Behaviour:
    """Sends `raw`, and then one more byte every 20 ms: never silent for long, and never done."""

    def behave(connection: socket.socket, closing: threading.Event) -> None:
        ends_at = time.monotonic() + seconds
        connection.sendall(raw)
        while time.monotonic() < ends_at and not closing.wait(0.02):
            connection.sendall(b"x")

    return behave


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
