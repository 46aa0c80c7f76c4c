"""Asks the instances' health ports when each is due; silence does not count while we are late ourselves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from self_healing_supervisor.core.facts import Health, Shape
from self_healing_supervisor.probe import Reply, question
from self_healing_supervisor.sight import Sight
from self_healing_supervisor.world import World

PERIOD: Final = 1.5
BOOT_PERIOD: Final = 0.4  # while it has not answered in this run
LATE: Final = 0.7  # a loop that was held up for so long cannot blame others for their silence


class Asking:
    """`changed` is called after each answer that changes anything."""

    def __init__(self, world: World, changed: Callable[[], None]) -> None:
        self._world = world
        self._changed = changed
        self._late_at = float("-inf")
        self._tasks: set[asyncio.Task[None]] = set()
        self.asked = 0
        self.missed = 0

    def late(self, seconds: float, now: float) -> None:
        """The loop woke up `seconds` later than it should have."""
        if seconds > LATE:
            self._late_at = now

    def due(self, now: float) -> None:
        """Begins to ask every running instance whose time has come."""
        own = self._world.own_networks()
        for sight in self._world.treated().values():
            if sight.shape is Shape.RUNNING and not sight.asking and now >= sight.ask_at:
                address = sight.address(own)
                if address:
                    sight.asking = True
                    task = asyncio.create_task(self._ask(sight, address, now))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)

    async def _ask(self, sight: Sight, address: str, began: float) -> None:
        run, before = sight.run, sight.health
        try:
            reply = await question(address, sight.wanted.health_port, time.time())
            if run == sight.run and sight.shape is Shape.RUNNING and self._fair(reply, began):
                sight.answered(reply, time.monotonic())
                self.asked += 1
                self.missed += reply.health is Health.SILENT
        finally:
            sight.asking = False
            sight.ask_at = began + (PERIOD if sight.has_answered else BOOT_PERIOD)
        if before is not Health.WELL or sight.health is not Health.WELL:
            self._changed()

    def _fair(self, reply: Reply, began: float) -> bool:
        return reply.health is not Health.SILENT or self._late_at < began

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
