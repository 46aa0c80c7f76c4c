"""The parts put together: what is desired, what is seen, what is kept."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from unified_observability_center.asking import now
from unified_observability_center.core.journal import Transition
from unified_observability_center.desired import Desired, DesiredFile
from unified_observability_center.following import Following, Known
from unified_observability_center.journal import Journal
from unified_observability_center.sight import Sight
from unified_observability_center.store import events, startups, transitions
from unified_observability_center.store.database import Database, Unavailable, begin_life, live_on
from unified_observability_center.store.sboms import Sboms
from unified_observability_center.store.startups import Startup
from unified_observability_center.words import Key

DESIRED_EVERY: Final = 1.0
LIFE_EVERY: Final = 20.0
LOOK_BACK: Final = 3600.0


class Center:
    def __init__(self, state_dir: Path, run_dir: Path, log: logging.Logger) -> None:
        self._log = log
        self.database = Database(state_dir / "observed.sqlite3")
        self.sboms = Sboms(state_dir / "sboms")
        self.journal = Journal(self.database, log)
        self.file = DesiredFile(run_dir / "desired.json")
        self.following = Following(self._changed, self._gone)
        self.desired: Desired | None = None
        self.startups: dict[Key, Startup] = {}
        self.restarts: dict[Key, int] = {}
        self.lives: list[tuple[float, float]] = []
        self.began = time.monotonic()
        self.version = 0  # counts what was kept, so that readers know when to read again
        self._known: Known = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Raises OSError and sqlite3.Error when the state folder cannot be used at all."""
        wrong = await asyncio.to_thread(self.database.open)
        if wrong:
            self._log.error("what was kept is lost", extra={"why": wrong})
        await asyncio.to_thread(self.sboms.load)
        database = self.database
        self._known = await database.read(transitions.last)
        self.startups = await database.read(startups.all_of_them)
        self.restarts = await database.read(events.restarts)
        self.lives = await database.write(begin_life)
        past = await database.read(partial(transitions.since, wall=time.time() - LOOK_BACK))
        await self._reread()
        for key, sight in self.following.sights.items():
            sight.changes.clear()
            sight.changes.extend(past.get(key, ()))

    def runs(self) -> dict[str, Callable[[], Awaitable[None]]]:
        return {
            "following": self.following.run,
            "desired": self._rereading,
            "journal": self.journal.run,
            "life": self._living,
        }

    async def close(self) -> None:
        await self.following.stop()
        try:
            await self.journal.flush()
            await self.database.write(live_on)
        except Unavailable as error:
            self._log.error("the last transitions are not kept", extra={"why": str(error)})
        await asyncio.to_thread(self.database.close)

    async def started(self, key: Key, report: dict[str, Any]) -> None:
        """A start-up report, clean and bounded. Raises Unavailable."""
        self.startups.pop(key, None)  # so that the oldest comes first
        self.startups[key] = await self.database.write(partial(startups.keep, key=key, report=report))
        while len(self.startups) > startups.MOST:
            del self.startups[next(iter(self.startups))]
        started_at = report.get("started_at")
        if started_at is not None:
            self.following.reported(key, started_at, now())

    async def happened(self, sent: list[events.Sent]) -> int:
        """Raises Unavailable."""
        new = await self.database.write(partial(events.keep, events=sent))
        if new:
            self.version += 1
            if any(event.kind == "restarted" for event in sent):
                self.restarts = await self.database.read(events.restarts)
        return new

    def used_sboms(self) -> set[str]:
        return {str(one.report.get("sbom_digest")) for one in self.startups.values()}

    async def _rereading(self) -> None:
        while True:
            await asyncio.sleep(DESIRED_EVERY)
            await self._reread()

    async def _reread(self) -> None:
        desired = await asyncio.to_thread(self.file.read_if_changed)
        if desired is not None:
            self.desired = desired
            self.following.desire(desired, self._known, now())
            self._known = {}
            self._log.info("desired.json read", extra={"instances": len(desired.instances)})

    async def _living(self) -> None:
        while True:
            await asyncio.sleep(LIFE_EVERY)
            try:
                await self.database.write(live_on)
            except Unavailable as error:
                self._log.error("the store cannot be written", extra={"why": str(error)})
            self.lives[-1] = self.lives[-1][0], time.time()

    def _changed(self, sight: Sight, change: Transition) -> None:
        self.version += 1
        self.journal.add(sight.key, change)
        facts = {"about": sight.wanted.service, "on": sight.wanted.machine, "why": change.why}
        self._log.info(f"{change.before} -> {change.after}", extra=facts)

    def _gone(self, key: Key) -> None:
        self.startups.pop(key, None)
        self._log.info("no longer desired, and gone", extra={"about": key[1], "on": key[0]})
        task = asyncio.create_task(self._forget(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _forget(self, key: Key) -> None:
        try:
            await self.database.write(partial(startups.forget, key=key))
        except Unavailable as error:
            self._log.warning("an old report stays", extra={"about": key[1], "why": str(error)})
