"""Transitions on their way to the disk: what is seen is never held up by the disk, and waits while it is full."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from functools import partial
from typing import Final

from unified_observability_center.core.journal import Transition
from unified_observability_center.store import transitions
from unified_observability_center.store.database import Database, Unavailable
from unified_observability_center.words import Key

MOST: Final = 5000
BATCH: Final = 500
GATHER: Final = 0.2  # several that come together share one write
AGAIN: Final = 5.0


class Journal:
    def __init__(self, database: Database, log: logging.Logger) -> None:
        self._database = database
        self._log = log
        self._waiting: deque[tuple[Key, Transition]] = deque(maxlen=MOST)
        self._filled = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self.lost = 0

    def add(self, key: Key, change: Transition) -> None:
        self.lost += len(self._waiting) == MOST
        self._waiting.append((key, change))
        self._filled.set()

    async def run(self) -> None:
        while True:
            await self._filled.wait()
            await asyncio.sleep(GATHER)
            try:
                await self.flush()
            except Unavailable as error:
                self._log.error("transitions cannot be kept", extra={"why": str(error), "waiting": len(self._waiting)})
                await asyncio.sleep(AGAIN)

    async def flush(self) -> None:
        """All that was added is on the disk. Raises Unavailable; what was not written waits."""
        async with self._one_at_a_time:
            await self._write()

    async def _write(self) -> None:
        while self._waiting:
            batch = list(self._waiting)[:BATCH]
            lost = self.lost
            await self._database.write(partial(transitions.keep, changes=batch))
            for _ in range(max(0, len(batch) - (self.lost - lost))):
                self._waiting.popleft()
        self._filled.clear()
