"""The worker processes of one service: started, watched, replaced, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from servicekit.service import Service
from servicekit.workers.link import Line, streams

LIVED_SECONDS: Final = 60.0  # a worker that lived this long has not died of its start
FIRST_SECONDS: Final = 0.5
MOST_SECONDS: Final = 30.0

log: Final = logging.getLogger(__name__)


class Worker:
    def __init__(self, process: asyncio.subprocess.Process, line: Line) -> None:
        self.process = process
        self.line = line


async def start(listening: socket.socket, folder: Path) -> Worker:
    """A new process with a copy of this one's listening socket; it inherits nothing else."""
    ours, theirs = socket.socketpair()
    with theirs:
        fds = (listening.fileno(), theirs.fileno())
        arguments = ("-m", "servicekit", "worker", *map(str, fds))
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, cwd=folder, pass_fds=fds, stdin=subprocess.DEVNULL
        )
    return Worker(process, Line(*await streams(ours)))


class Place:
    """One of the service's workers, whichever process that is just now."""

    def __init__(self, number: int, listening: socket.socket, service: Service) -> None:
        self.number = number
        self._service = service
        self.worker: Worker | None = None
        self.first_code: int | None = None  # the exit code, when it ended before it ever served
        self.served = False
        self._listening = listening
        self._stopping = asyncio.Event()

    async def keep(self) -> None:
        """Until it shall stop, or never came to serve."""
        wait = FIRST_SECONDS
        while not self._stopping.is_set():
            began = time.monotonic()
            code = await self._life()
            if not self.served:
                self.first_code = code if code >= 0 else 1
                return
            if self._stopping.is_set():
                return
            wait = FIRST_SECONDS if time.monotonic() - began > LIVED_SECONDS else min(MOST_SECONDS, wait * 2)
            told = {"worker": self.number, "exit_code": code, "replaced_in_seconds": wait}
            log.error("a worker has died and is replaced", extra=told)
            self._service.report_error("a worker has died and is replaced", **told)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), wait)

    async def _life(self) -> int:
        """One process from its start to its exit code."""
        try:
            worker = self.worker = await start(self._listening, self._service.settings.folder)
        except OSError:  # no room for a process just now
            log.exception("a worker cannot be started")
            return 1
        if self._stopping.is_set():
            self.signal()
        code = await worker.process.wait()
        worker.line.close()
        self.worker = None
        return code

    def stop(self) -> None:
        self._stopping.set()
        self.signal()

    def signal(self, number: int = signal.SIGTERM) -> None:
        if self.worker is not None and self.worker.process.returncode is None:
            self.worker.process.send_signal(number)
