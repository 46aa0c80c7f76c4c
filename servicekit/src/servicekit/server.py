"""uvicorn, run inside this process: one worker, no signals of its own, every wait and every size bounded."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterator
from typing import Any, Final

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from servicekit.connection import CUT
from servicekit.probe import Probe

HEAD_SECONDS: Final = 10.0
HEAD_BYTES: Final = 32 * 1024
CONNECTIONS: Final = 512
DRAIN_SECONDS: Final = 5


class Connection(H11Protocol):
    """A connection that does not finish a request's head in time is closed; uvicorn itself would wait for ever."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        CUT.set(self.transport.abort)  # inherited by the task of the request
        super().data_received(data)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._forget()
        elif self._timer is None:
            self._timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def _forget(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._timer = None
        if self.conn.their_state is h11.IDLE:
            self.transport.abort()


def settings(app: Any, websockets: bool, body_bytes: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=Connection,
        ws="auto" if websockets else "none",
        ws_max_size=body_bytes,
        lifespan="on",
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        workers=1,
        limit_concurrency=CONNECTIONS,
        h11_max_incomplete_event_size=HEAD_BYTES,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


class Server(uvicorn.Server):
    """`started` is called once requests are taken."""

    def __init__(self, config: uvicorn.Config, probe: Probe, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._probe = probe
        self._on_started = started
        logging.getLogger("uvicorn.error").addFilter(lambda _: probe.service.failed is None)  # it is logged already

    def run_until_stopped(self, sock: socket.socket) -> None:
        """Raises SystemExit when the application does not start."""
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        self._probe.loop = loop
        loop.run_until_complete(self.serve(sockets=[sock]))

    def stop(self) -> bool:
        """From another thread. False when there is nothing to stop yet."""
        loop = self._probe.loop
        if loop is None:
            return False
        loop.call_soon_threadsafe(self._begin_stop)
        return True

    def _begin_stop(self) -> None:
        self.should_exit = True
        self._probe.service.stopping.set()

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
        stopping = self._probe.service.stopping
        while not await self.on_tick(0):
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(stopping.wait(), 1.0)
