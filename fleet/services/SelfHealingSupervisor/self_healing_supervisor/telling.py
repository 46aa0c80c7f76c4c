"""Tells UnifiedObservabilityCenter what happened: a bounded queue, sent in the background, retried."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

MOST: Final = 1000
BATCH: Final = 100
FIRST_WAIT: Final = 1.0
LONGEST_WAIT: Final = 60.0

Send = Callable[[Sequence[dict[str, Any]]], None]


class Telling:
    """`send` is blocking and raises when the events did not arrive; then they are sent again, in order."""

    def __init__(self, send: Send, log: logging.Logger) -> None:
        self._send = send
        self._log = log
        self._queue: deque[dict[str, Any]] = deque(maxlen=MOST)
        self._filled = asyncio.Event()
        self.lost = 0  # thrown away because the queue was full

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def tell(self, event: dict[str, Any]) -> None:
        self.lost += len(self._queue) == MOST
        self._queue.append(event)
        self._filled.set()

    async def run(self) -> None:
        wait = FIRST_WAIT
        while True:
            await self._filled.wait()
            batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
            if not batch:
                self._filled.clear()
                continue
            try:
                await asyncio.to_thread(self._send, batch)
                wait = FIRST_WAIT
            except Exception as error:  # noqa: BLE001 - whatever the way there raises, the events are kept
                self._log.warning("events not told", extra={"why": str(error)[:300], "again_in_seconds": wait})
                room = MOST - len(self._queue)
                self.lost += max(0, len(batch) - room)
                self._queue.extendleft(reversed(batch[-room:] if room else []))
                await asyncio.sleep(wait)
                wait = min(LONGEST_WAIT, wait * 2)
