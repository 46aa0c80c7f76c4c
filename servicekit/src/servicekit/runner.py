"""One process: the service's loop in the main thread, and beside it a thread that answers the health port.

The thread also hears signals and keeps the last deadline: a blocked loop can hold neither.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from typing import TYPE_CHECKING, Final

from servicekit.health import HealthPort, Told
from servicekit.probe import Probe

if TYPE_CHECKING:
    from servicekit.server import Server

STOP_SECONDS: Final = 9.0  # whoever stops a container waits ten
SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

log: Final = logging.getLogger(__name__)


def leave(code: int) -> None:
    """Ends the process without waiting for threads that may never end."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)


class Beside:
    """The thread beside the service."""

    def __init__(self, probe: Probe, told: Told, sock: socket.socket) -> None:
        self._probe = probe
        self._told = told
        self._sock = sock
        self._loop = asyncio.new_event_loop()
        self._server: Server | None = None
        self._stopping = False

    def start(self) -> None:
        """From the main thread: takes the signals and opens the health port."""
        self._hear_signals()
        self._loop.run_until_complete(HealthPort(self._told).serve(self._sock))
        threading.Thread(target=self._loop.run_forever, name="beside", daemon=True).start()

    def _hear_signals(self) -> None:
        """Twice: the pipe is written by the system even while Python code does not run, the handler while it does."""
        reading, writing = socket.socketpair()
        for end in (reading, writing):
            end.setblocking(False)
        self._loop.add_reader(reading, self._heard, reading)
        signal.set_wakeup_fd(writing.detach(), warn_on_full_buffer=False)
        for one in SIGNALS:
            signal.signal(one, lambda *_: self._loop.call_soon_threadsafe(self.stop) and None)

    def _heard(self, reading: socket.socket) -> None:
        if set(reading.recv(64)) & set(SIGNALS):
            self.stop()

    def serve(self, server: Server, sock: socket.socket) -> None:
        """In the main thread: runs the service until it has stopped."""
        self._server = server
        server.run_until_stopped(sock)

    def stop(self) -> None:
        """In this thread. The first time counts."""
        if self._stopping:
            return
        self._stopping = True
        self._probe.phase = "stopping"
        self._loop.call_later(STOP_SECONDS, self._give_up)
        if self._server is None or not self._server.stop():
            leave(0)  # nothing runs yet

    def _give_up(self) -> None:
        log.error("the service does not stop; it is ended", extra={"after_seconds": STOP_SECONDS})
        leave(1)


def bind(host: str, port: int) -> socket.socket:
    """A bound TCP socket whose connections are cut when a client takes nothing for a while. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 20_000)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock
