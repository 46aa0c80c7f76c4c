"""uvicorn, run inside this process: one worker, no signals of its own, every wait and every size bounded."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import anyio.to_thread
import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from servicekit.connection import CUT
from servicekit.probe import Probe
from servicekit.service import Service

HEAD_SECONDS: Final = 10.0
HEAD_BYTES: Final = 32 * 1024
CONNECTIONS: Final = 512
ROOM: Final = 16  # for connections that are going but not gone yet
KEEP_ALIVE_SECONDS: Final = 10
DRAIN_SECONDS: Final = 5


class Connection(H11Protocol):
    """uvicorn's, and no client can hold it: heads have a deadline, and idle connections make room for new ones."""

    _timer: asyncio.TimerHandle | None = None
    _idle_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._make_room()
        super().connection_made(transport)
        self._idle_since = self.loop.time()
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        CUT.set(self.transport.abort)  # inherited by the task of the request
        super().data_received(data)
        self._expect_head()

    def on_response_complete(self) -> None:
        self._idle_since = self.loop.time()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    @property
    def _idle(self) -> bool:
        return self.conn.their_state is h11.IDLE

    @property
    def _going(self) -> bool:
        return self.transport.is_closing()

    def _make_room(self) -> None:
        if len(self.connections) < CONNECTIONS - ROOM:
            return
        idle = [one for one in self.connections if isinstance(one, Connection) and one._idle and not one._going]
        if idle:
            min(idle, key=lambda one: one._idle_since).transport.abort()

    def _expect_head(self) -> None:
        if not self._idle:
            self._forget()
        elif self._timer is None:
            self._timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def _forget(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._timer = None
        if self._idle:
            self.transport.abort()


def settings(app: Any, service: Service) -> uvicorn.Config:
    websockets = bool(getattr(getattr(app, "state", None), "websockets", False))
    return uvicorn.Config(
        app,
        http=Connection,
        ws="auto" if websockets else "none",
        ws_max_size=service.settings.spec.max_body_kb * 1024,
        lifespan="on",
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        workers=1,
        limit_concurrency=CONNECTIONS,
        h11_max_incomplete_event_size=HEAD_BYTES,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


class Server(uvicorn.Server):
    """`started` is called once requests are taken, `stopping` once no more are."""

    def __init__(self, app: Any, probe: Probe, started: Callable[[], None], stopping: Callable[[], None]) -> None:
        super().__init__(settings(app, probe.service))
        self._probe = probe
        self._service = probe.service
        self._on_started = started
        self._on_stopping = stopping
        logging.getLogger("uvicorn.error").addFilter(lambda _: self._service.failed is None)  # it is logged already

    def run_until_stopped(self, sock: socket.socket) -> None:
        """Raises SystemExit when the application does not start."""
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        loop.set_exception_handler(self._unexpected)
        threads = self._service.settings.threads
        loop.set_default_executor(ThreadPoolExecutor(threads, thread_name_prefix="thread"))
        self._probe.loop = loop
        loop.run_until_complete(self._with_threads(threads, sock))

    async def _with_threads(self, threads: int, sock: socket.socket) -> None:
        anyio.to_thread.current_default_thread_limiter().total_tokens = threads
        await self.serve(sockets=[sock])

    def _unexpected(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        loop.default_exception_handler(context)  # which logs it
        if isinstance(error := context.get("exception"), Exception):
            self._service.report_error(error, where=str(context.get("message")))

    def stop(self) -> bool:
        """From another thread. False when there is nothing to stop yet."""
        loop = self._probe.loop
        if loop is None:
            return False
        loop.call_soon_threadsafe(self._begin_stop)
        return True

    def _begin_stop(self) -> None:
        self.should_exit = True
        self._service.stopping.set()
        self._on_stopping()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # the thread beside the service hears them

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started and not self.should_exit:
            self._probe.phase = "running"
            self._on_started()

    async def main_loop(self) -> None:
        """Wakes once a second for the Date header, not ten times: a machine runs dozens of these."""
        stopping = self._service.stopping
        while not await self.on_tick(0):
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(stopping.wait(), 1.0)
