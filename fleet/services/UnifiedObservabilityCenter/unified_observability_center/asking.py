"""Asks one instance: its address, its health, and now and then what it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from unified_observability_center.core.health import Answer, Heard, Memory, Moment, Policy, State, answered
from unified_observability_center.desired import Wanted
from unified_observability_center.names import Names, Unresolved
from unified_observability_center.probe import health, info, silence
from unified_observability_center.sight import Sight

INFO_EVERY: Final = 30.0
INFO_AGAIN: Final = 3.0
LATE: Final = 0.5  # a loop that was held up for so long cannot blame others for their silence

See = Callable[[Sight, Memory], None]


def now() -> Moment:
    return Moment(time.time(), time.monotonic())


class Asking:
    def __init__(self, policy: Policy, see: See) -> None:
        self.names = Names()
        self.asked = self.missed = self.discarded = 0
        self._policy = policy
        self._see = see
        self._late_at = float("-inf")

    def late(self, seconds: float, steady: float) -> None:
        """Our own loop woke up `seconds` later than it should have."""
        if seconds > LATE:
            self._late_at = steady

    async def ask(self, sight: Sight) -> None:
        """Never raises but on cancellation."""
        asked_at = time.monotonic()
        answer, address = await self._question(sight.wanted)
        silent = answer.heard is Heard.NOTHING
        if silent and self._late_at >= asked_at:
            self.discarded += 1
            return
        self.asked += 1
        self.missed += silent
        moment, run = now(), sight.memory.started_at
        self._see(sight, answered(sight.memory, answer, moment, sight.wanted.start_seconds, self._policy))
        if sight.memory.started_at != run:
            sight.info_due = 0.0
        if not silent and moment.steady >= sight.info_due:
            await self._learn(sight, address)

    async def _question(self, row: Wanted) -> tuple[Answer, str]:
        try:
            address = await self.names.address(row.address)
        except Unresolved as error:
            return silence(str(error)), ""
        answer = await health(address, row.health_port)
        if answer.heard is Heard.NOTHING:
            self.names.doubt(row.address)
        return answer, address

    async def _learn(self, sight: Sight, address: str) -> None:
        found = await info(address, sight.wanted.health_port)
        moment = now()
        wait = INFO_EVERY if found and sight.memory.state is State.HEALTHY else INFO_AGAIN
        sight.info_due = moment.steady + wait
        if found is not None:
            sight.info, sight.info_at = found, moment.wall
