"""Whether the fleet's other machines can be reached from here. Nothing waits for them: that they are gone is told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from self_healing_supervisor.http1 import Request, Unanswered, ask, tcp

EVERY: Final = 10.0
SECONDS: Final = 3.0
MISSES: Final = 3  # in a row, before a machine counts as lost
BYTES: Final = 64 * 1024

Tell = Callable[[str, dict[str, Any]], None]


class Neighbours:
    """`addresses`: machine -> the health address of something that answers there; any answer will do."""

    def __init__(self, addresses: Mapping[str, str], tell: Tell) -> None:
        self._addresses = dict(addresses)
        self._tell = tell
        self._misses: dict[str, int] = {}
        self.lost: dict[str, float] = {}  # machine -> since when, monotonic

    async def run(self) -> None:
        while True:
            for machine in self._addresses:
                await self.look(machine)
            await asyncio.sleep(EVERY)

    async def look(self, machine: str) -> None:
        where = urlsplit(self._addresses[machine])
        request = Request("GET", "/health", host=where.netloc)
        try:
            await ask(tcp(where.hostname or "", where.port or 80), request, SECONDS, BYTES)
        except Unanswered as error:
            self._misses[machine] = self._misses.get(machine, 0) + 1
            if self._misses[machine] >= MISSES and machine not in self.lost:
                self.lost[machine] = time.monotonic()
                self._tell("machine_lost", {"machine": machine, "why": str(error)})
            return
        self._misses[machine] = 0
        since = self.lost.pop(machine, None)
        if since is not None:
            self._tell("machine_back", {"machine": machine, "seconds": round(time.monotonic() - since, 1)})
