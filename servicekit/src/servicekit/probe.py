"""Asks the service how it is, from outside its event loop."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, TypeVar

from servicekit.errors import Unhealthy
from servicekit.service import Check, Service

LOOP_SECONDS: Final = 1.5  # an answer within 2 s has room for the way there and back
REASON_CHARS: Final = 500

T = TypeVar("T")
Reasons = list[dict[str, str]]
log: Final = logging.getLogger(__name__)


def reason(check: str, why: str) -> dict[str, str]:
    return {"check": check, "reason": why[:REASON_CHARS]}


class Probe:
    """`phase` is "starting", "running" or "stopping"; `loop` is the service's, once it runs."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.phase = "starting"
        self.loop: asyncio.AbstractEventLoop | None = None
        self._asked: Future[Reasons] | None = None
        self._asked_at = 0.0

    async def reasons(self) -> Reasons:
        """Why the service is unhealthy; empty when it is not. Runs in another loop than the service's."""
        if self.loop is None or self.phase != "running":
            return [reason("phase", f"the service is {self.phase}")]
        asked = self._ask(self.loop)
        left = self._asked_at + LOOP_SECONDS - time.monotonic()
        try:
            return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(asked)), max(0.0, left))
        except asyncio.TimeoutError:
            seconds = time.monotonic() - self._asked_at
            return [reason("loop", f"the event loop has not answered for {seconds:.1f} s")]

    def _ask(self, loop: asyncio.AbstractEventLoop) -> Future[Reasons]:
        """One question is under way at a time: a blocked loop is not heaped with more."""
        if self._asked is None or self._asked.done():
            self._asked, self._asked_at = Future(), time.monotonic()
            try:
                loop.call_soon_threadsafe(self._answer, self._asked)
            except RuntimeError:  # the loop is closed
                self._asked.set_result([reason("phase", "the service has stopped")])
        return self._asked

    async def on_loop(self, fn: Callable[[], T]) -> T:
        """What `fn` returns when the service's loop runs it. Raises asyncio.TimeoutError, and what `fn` raises."""
        assert self.loop is not None  # noqa: S101 - asked only of a service that runs
        loop = self.loop

        async def run() -> T:
            return fn()

        return await asyncio.wait_for(asyncio.wrap_future(asyncio.run_coroutine_threadsafe(run(), loop)), LOOP_SECONDS)

    def _answer(self, asked: Future[Reasons]) -> None:
        asked.set_result([found for name, check in self.service.checks.items() for found in _run(name, check)])


def _run(name: str, check: Check) -> Reasons:
    try:
        check()
    except Unhealthy as error:
        return [reason(name, str(error))]
    except Exception as error:  # a broken check must not look like health
        log.exception("a check failed", extra={"check": name})
        return [reason(name, f"the check itself failed: {type(error).__name__}")]
    return []
