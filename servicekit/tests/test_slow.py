"""Clients that are slow on purpose: each is let go in its time, all at once here, as the times are long."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

from running import start_service

TRIED = Path(__file__).parent / "apps" / "Tried"
HEAD = b"GET /pid HTTP/1.1\r\nHost: x\r\n"


def held(port: int, first: bytes, drip: bytes, seconds: float) -> float:
    """How long the service keeps a connection that says `first`, and then `drip` twice a second."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), 5) as sock:
        sock.settimeout(0.5)
        sock.sendall(first)
        while time.monotonic() - began < seconds:
            try:
                sock.sendall(drip)
                if not sock.recv(65536):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
    return time.monotonic() - began


def test_no_client_holds_a_connection(tmp_path: Path) -> None:
    tries = {
        "silent": (b"", b""),
        "a head that does not end": (HEAD, b"X: y\r\n"),
        "a first line that does not end": (b"GET /", b"a"),
        "a second head that does not end": (HEAD + b"\r\n" + HEAD, b"X: y\r\n"),
        "silent after an answer": (HEAD + b"\r\n", b""),
    }
    with start_service(TRIED, tmp_path) as service:
        took: dict[str, float] = {}

        def measure(name: str, first: bytes, drip: bytes) -> None:
            took[name] = held(service.port, first, drip, 25)

        threads = [threading.Thread(target=measure, args=(name, *wish)) for name, wish in tries.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(3 < seconds < 22 for seconds in took.values()), took
        assert service.health().status == 200
