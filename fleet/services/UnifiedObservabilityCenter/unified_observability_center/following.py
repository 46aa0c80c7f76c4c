"""Follows the health of every desired instance: each is asked when it is due, spread over the period."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from typing import Final

from unified_observability_center.asking import Asking, now
from unified_observability_center.core.health import Memory, Moment, Policy, State, began, first, quiet, wanted
from unified_observability_center.core.journal import Transition, transition
from unified_observability_center.desired import Desired, Wanted
from unified_observability_center.sight import Sight
from unified_observability_center.words import Key

PERIOD: Final = 2.0
AGAIN: Final = 0.5  # after a first miss: one lost packet is no silence, two in a row soon tell
BOOT: Final = 0.5
PULSE: Final = 0.25

Tell = Callable[[Sight, Transition], None]
Known = Mapping[Key, tuple[State, float]]


class Following:
    """`tell` is given each transition, `gone` each instance that is not desired and no longer answers."""

    def __init__(self, tell: Tell, gone: Callable[[Key], None], policy: Policy | None = None) -> None:
        self.policy = policy or Policy()
        self.sights: dict[Key, Sight] = {}
        self.asking = Asking(self.policy, self._see)
        self._tell = tell
        self._gone = gone
        self._tasks: set[asyncio.Task[None]] = set()

    def desire(self, desired: Desired, known: Known, moment: Moment) -> None:
        """`known`: what an earlier life of ours knew last of each instance."""
        rows = {one.key: one for one in desired.instances}
        for key, sight in self.sights.items():
            sight.desired = key in rows
        for key, row in rows.items():
            found = self.sights.get(key)
            if found is None:
                self.sights[key] = _new(row, desired.written_at, known.get(key), moment)
                continue
            if found.wanted.image != row.image:
                found.memory = wanted(found.memory, moment.wall, moment, row.start_seconds)
                found.info_due = 0.0
            found.wanted = row
        self.asking.names.forget({sight.wanted.address for sight in self.sights.values()})

    def reported(self, key: Key, started_at: float, moment: Moment) -> None:
        """A start-up report has come. One of an older run, sent late, says nothing."""
        sight = self.sights.get(key)
        if sight is None or started_at <= (sight.memory.started_at or 0.0) + self.policy.slack_seconds:
            return
        sight.memory = began(sight.memory, started_at, moment, sight.wanted.start_seconds)
        sight.ask_at = sight.info_due = 0.0

    async def run(self) -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(PULSE)
            moment = now()
            self.asking.late(moment.steady - before - PULSE, moment.steady)
            self._due(moment)

    def _due(self, moment: Moment) -> None:
        for sight in list(self.sights.values()):
            self._see(sight, quiet(sight.memory, moment, self.policy))
            if not sight.asking and moment.steady >= sight.ask_at:
                sight.asking = True
                task = asyncio.create_task(self._ask(sight))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _ask(self, sight: Sight) -> None:
        asked_at = time.monotonic()
        try:
            await self.asking.ask(sight)
        finally:
            sight.asking = False
            sight.ask_at = max(asked_at + _period(sight.memory), time.monotonic())
        if not sight.desired and sight.memory.state is State.SILENT and self.sights.get(sight.key) is sight:
            del self.sights[sight.key]
            self._gone(sight.key)

    def _see(self, sight: Sight, memory: Memory) -> None:
        before = sight.memory
        if memory is before:
            return
        sight.see(memory, time.time())
        found = transition(before, memory)
        if found is not None:
            self._tell(sight, found)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.asking.names.close()


def _new(row: Wanted, written_at: float | None, before: tuple[State, float] | None, moment: Moment) -> Sight:
    memory = first(moment, before)
    if written_at is not None:
        memory = wanted(memory, min(written_at, moment.wall), moment, row.start_seconds)
    spread = random.random() * PERIOD / 2  # noqa: S311 - only so that not all are asked at once
    sight = Sight(row, memory, ask_at=moment.steady + spread)
    if before is not None:
        sight.changes.append((before[1], before[0]))
    return sight


def _period(memory: Memory) -> float:
    if memory.misses == 1:
        return AGAIN
    if memory.state in (State.STARTING, State.UNKNOWN):
        return BOOT
    return PERIOD * (0.9 + 0.2 * random.random())  # noqa: S311 - keeps the questions spread
