"""Keeps the world true: the engine's events as they come, and a look at every container now and then."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import aclosing
from typing import Any, Final

from self_healing_supervisor.docker import Denied, Docker
from self_healing_supervisor.http1 import Unanswered
from self_healing_supervisor.world import World

ROUND: Final = 30.0  # between two looks at all containers while events flow
FIRST_WAIT: Final = 0.2
LONGEST_WAIT: Final = 5.0
OLDEST: Final = 3600.0  # older events are not asked for again


class Watch:
    """`changed` is called after each change of the world; `connected_at` is monotonic, None without an engine."""

    def __init__(self, docker: Docker, world: World, changed: Callable[[], None], log: logging.Logger) -> None:
        self._docker = docker
        self._world = world
        self._changed = changed
        self._log = log
        self.connected_at: float | None = None
        self.lost_at = time.monotonic()
        self.problem = "not connected yet"
        self.heard_at = 0.0  # wall clock: up to when events are known

    async def run(self) -> None:
        """Reads events for ever, and again after each loss of the connection."""
        wait = FIRST_WAIT
        while True:
            began = time.monotonic()
            try:
                await self._listen()
                problem = "the event stream has ended"
            except (Unanswered, Denied, ValueError) as error:
                problem = str(error)
            if self.connected_at is not None or problem != self.problem:
                self._log.warning("no events from the engine", extra={"why": problem})
            if self.connected_at is not None:
                self.lost_at = time.monotonic()
            self.connected_at, self.problem = None, problem
            wait = FIRST_WAIT if time.monotonic() - began > LONGEST_WAIT else min(LONGEST_WAIT, wait * 2)
            await asyncio.sleep(wait)

    async def _listen(self) -> None:
        wall = time.time()
        since = max(self.heard_at, wall - OLDEST) if self.heard_at else wall
        async with aclosing(self._docker.events(since)) as events:
            async for event in events:
                if event:
                    await self._take(event)
                    continue
                await self.look_at_all()  # connected: from here on nothing is missed
                self.connected_at, self.problem = time.monotonic(), ""
                self._log.info("connected to the engine")

    async def _take(self, event: dict[str, Any]) -> None:
        wall = time.time()
        self.heard_at = max(self.heard_at, float(event.get("timeNano", 0)) / 1e9)
        service = self._world.event(event, time.monotonic(), wall)
        if service == "":
            await self.look_at_all()
        elif service is not None:
            await self.look_at(service)
        self._changed()

    async def look_at(self, service: str) -> None:
        """Asks the engine for this service's container. Raises Unanswered, Denied."""
        sight = self._world.sights.get(service)
        if sight is None:
            return
        wall = time.time()
        found = await self._docker.inspect(sight.wanted.container)
        sight.inspected(found, time.monotonic(), wall)
        self._changed()

    async def look_at_all(self) -> None:
        """One listing; only what differs from what is known is inspected. Raises Unanswered, Denied."""
        wall = time.time()
        listed = {name.removeprefix("/"): one for one in await self._docker.containers() for name in one["Names"][:1]}
        for service, sight in list(self._world.sights.items()):
            found = listed.get(sight.wanted.container)
            if found is None:
                sight.looked_at = wall
                sight.gone(time.monotonic())
            elif found.get("Id") != sight.id or found.get("State") != "running" or sight.shape != "running":
                await self.look_at(service)
        self._changed()

    async def again(self) -> None:
        """Looks at all containers now; a failure is logged."""
        try:
            await self.look_at_all()
        except (Unanswered, Denied) as error:
            self._log.warning("a look at all containers failed", extra={"why": str(error)})

    async def rounds(self) -> None:
        """Looks at all containers every ROUND seconds, for what no event told."""
        while True:
            await asyncio.sleep(ROUND)
            if self.connected_at is not None:
                await self.again()
