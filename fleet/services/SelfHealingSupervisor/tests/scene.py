"""A supervisor with all its parts, over a real socket and real health answers, before a double of the engine."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from machine_double import APPROVED, MachineDouble
from self_healing_supervisor.follow.follower import Follower
from self_healing_supervisor.keeping import Keeping
from self_healing_supervisor.supervisor import Supervisor

PORT = 28871


class Killed(BaseException):
    """The power fails: nothing of the supervisor's own may catch it."""


class Scene:
    def __init__(self, folder: Path, engine: MachineDouble) -> None:
        self.folder = folder
        self.engine = engine
        self.told: list[dict[str, Any]] = []
        self.follow: dict[str, Any] | None = None
        self.force = ""
        self.pinned: set[str] = set()
        (folder / "instances").mkdir(exist_ok=True)
        self.supervisor = self.made()
        self.follower: Follower | None = None
        self.tasks: list[asyncio.Task[None]] = []
        self.ended: list[BaseException | None] = []

    def made(self) -> Supervisor:
        log = logging.getLogger("supervised")
        one = Supervisor(
            "SelfHealingSupervisor", str(self.folder / "s"), self.folder / "state", self.folder, self.told.append, log
        )
        one.policy = replace(one.policy, backoff_first=0.2, created_grace=0.5, removed_grace=0.5, unwell_patience=1.5)
        return one

    def desire(self, depends: dict[str, list[str]], written_at: float | None = None, start_seconds: int = 5) -> None:
        rows = [
            {
                "service": name,
                "machine": "mainpc",
                "container": f"dockwright-{name.lower()}",
                "health_port": PORT,
                "depends": needs,
                "start_seconds": start_seconds,
                "image_digest": f"sha256:{APPROVED}",
                "phase": "all",
                "pinned": name in self.pinned,
                "something": "newer",
            }
            for name, needs in depends.items()
        ]
        for row in rows:
            (self.folder / "instances" / f"{row['container']}.json").write_text("{}")
        desired = {
            "machine": "mainpc",
            "written_at": written_at or time.time(),
            "instances": rows,
            "follow": self.follow,
        }
        part = self.folder / "part"
        part.write_text(json.dumps(desired))
        part.rename(self.folder / "desired.json")

    @asynccontextmanager
    async def supervised(self) -> AsyncIterator[Supervisor]:
        """A life whose tasks all last until its end."""
        async with self.life() as one:
            yield one
        assert all(isinstance(end, asyncio.CancelledError) for end in self.ended), self.ended

    @asynccontextmanager
    async def life(self) -> AsyncIterator[Supervisor]:
        one = self.supervisor
        log = logging.getLogger("supervised")
        keeping = Keeping(one, self.folder / "state", log)
        keeping.load()
        await one.reread()
        self.follower = Follower(one, self.folder / "state", self.force, log)
        self.follower.load()
        runs = (one.watch.run(), one.watch.rounds(), one.pulse(), keeping.run(), self._following(self.follower))
        self.tasks = [asyncio.create_task(run) for run in runs]
        try:
            yield one
        finally:
            one.stop()
            for task in self.tasks:
                task.cancel()
            self.ended = await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _following(self, follower: Follower) -> None:
        try:
            await follower.run()
        except Killed as end:
            raise RuntimeError("killed") from end

    def dead(self) -> bool:
        """Whether a task of this life has ended."""
        return any(task.done() for task in self.tasks)

    def kinds(self, service: str = "Alpha") -> list[str]:
        return [event["kind"] for event in self.told if event["service"] == service]

    def state(self, service: str = "Alpha") -> str:
        memory = self.supervisor.memories.get(service)
        return str(memory.state) if memory else ""

    async def until(self, true: Callable[[], object], seconds: float = 30.0) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, f"not so: {self.state()}, {self.kinds()}"
            await asyncio.sleep(0.05)

    async def healthy(self, *services: str) -> None:
        await self.until(lambda: all(self.state(one) == "healthy" for one in services or ("Alpha",)))


Test = Callable[[Scene], Awaitable[None]]
Play = Callable[[Test], None]


async def played(folder: Path, test: Test) -> None:
    engine = MachineDouble(PORT)
    await engine.listen(folder / "s")
    try:
        await test(Scene(folder, engine))
    finally:
        for program in engine.programs.values():
            await program.end()
        await engine.close()
