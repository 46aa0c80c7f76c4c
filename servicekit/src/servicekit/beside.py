"""The thread beside the service's loop: it answers about the service, hears signals, and keeps the last deadline.

A blocked loop can hold none of that.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final

from servicekit.probe import Probe

STOP_SECONDS: Final = 9.0  # whoever stops a container waits ten
SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

log: Final = logging.getLogger(__name__)


def leave(code: int) -> None:
    """Ends the process without waiting for threads that may never end."""
    try:
        logging.shutdown()
        sys.stdout.flush()
    finally:  # also when nobody reads the output any more
        os._exit(code)


class Beside:
    """`stop_service` is called once, in this thread, when a signal comes; False when nothing runs that could stop."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._loop = asyncio.new_event_loop()
        self._stopping = False
        self.stop_service: Callable[[], bool] = lambda: False

    def start(self, opening: Coroutine[Any, Any, Any]) -> None:
        """From the main thread: takes the signals, and runs `opening` to open what shall be answered."""
        self._hear_signals()
        self._loop.run_until_complete(opening)
        threading.Thread(target=self._loop.run_forever, name="beside", daemon=True).start()

    def _hear_signals(self) -> None:
        """Twice: the pipe is written by the system even while no Python code runs, the handler while some does."""
        reading, writing = socket.socketpair()
        for end in (reading, writing):
            end.setblocking(False)
        self._loop.add_reader(reading, self._heard, reading)
        signal.set_wakeup_fd(writing.detach(), warn_on_full_buffer=False)
        for one in SIGNALS:
            signal.signal(one, lambda *_: self.stop_soon())

    def _heard(self, reading: socket.socket) -> None:
        if set(reading.recv(64)) & set(SIGNALS):
            self.stop()

    def stop_soon(self) -> None:
        """From any thread."""
        self._loop.call_soon_threadsafe(self.stop)

    def stop(self) -> None:
        """In this thread. The first time counts."""
        if self._stopping:
            return
        self._stopping = True
        self._probe.phase = "stopping"
        self._loop.call_later(STOP_SECONDS, self._give_up)
        if not self.stop_service():
            leave(0)

    def _give_up(self) -> None:
        log.error("the service does not stop and is ended", extra={"after_seconds": STOP_SECONDS})
        leave(1)
