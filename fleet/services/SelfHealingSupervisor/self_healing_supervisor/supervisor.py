"""The supervisor's parts put together, and its pulse: see, decide, act, tell."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from self_healing_supervisor.act import Hands
from self_healing_supervisor.asking import Asking
from self_healing_supervisor.boots import Boots
from self_healing_supervisor.core.fleet import decide
from self_healing_supervisor.core.learn import acted
from self_healing_supervisor.core.memory import Decision, Memory
from self_healing_supervisor.core.policy import Policy
from self_healing_supervisor.desired import DesiredFile
from self_healing_supervisor.docker import Docker
from self_healing_supervisor.evidence import Evidence
from self_healing_supervisor.holds import Holds
from self_healing_supervisor.notes import notes
from self_healing_supervisor.watch import Watch
from self_healing_supervisor.world import World

PULSE: Final = 0.25
DESIRED_EVERY: Final = 1.0
SETTLE: Final = 0.3  # after a connection: events of the time before it are still coming, a stop among them

Tell = Callable[[dict[str, Any]], None]


class Supervisor:
    """`tell` takes one event for UnifiedObservabilityCenter; it must not block."""

    def __init__(self, own: str, socket: str, state_dir: Path, run_dir: Path, tell: Tell, log: logging.Logger) -> None:
        self.policy = Policy()
        self.docker = Docker(socket)
        self.holds = Holds(state_dir / "holds.json")
        self.boots = Boots(state_dir / "boots.json")
        self.evidence = Evidence(state_dir / "evidence")
        self.world = World(own, self.holds)
        self.watch = Watch(self.docker, self.world, self.nudge, log)
        self.asking = Asking(self.world, self.nudge)
        self.hands = Hands(self.docker, self.world, self.watch, self.evidence, self.digest_of, log)
        self.images: dict[str, str] = {}  # service -> digest, where it is not what the operator approved
        self.desired = DesiredFile(run_dir / "desired.json")
        self.memories: dict[str, Memory] = {}
        self.acts: Counter[tuple[str, str]] = Counter()  # (service, kind) -> acts
        self.healed: Counter[str] = Counter()
        self.heal_seconds: Counter[str] = Counter()
        self._tell = tell
        self._log = log
        self.began = time.monotonic()
        self._nudged = asyncio.Event()
        self._acting: set[asyncio.Task[None]] = set()

    def digest_of(self, service: str) -> str:
        return self.images.get(service, "")

    def nudge(self) -> None:
        self._nudged.set()

    def load(self) -> None:
        """Blocking: what earlier lives left in the state folder."""
        self.holds.load()
        self.boots.load()
        self.evidence.load()

    def tell(self, kind: str, service: str, detail: dict[str, Any]) -> None:
        sight = self.world.sights.get(service)
        machine = sight.wanted.machine if sight else self.world.machine
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._log.info(kind, extra={"about": service, "detail": detail})
        self._tell({"kind": kind, "machine": machine, "service": service, "at": at, "detail": detail})

    async def pulse(self) -> None:
        """Decides every PULSE seconds, and at once when something has changed."""
        desired_at = 0.0
        while True:
            began = time.monotonic()
            try:
                async with asyncio.timeout(PULSE):
                    await self._nudged.wait()
            except TimeoutError:
                pass
            self._nudged.clear()
            now = time.monotonic()
            self.asking.late(now - began - PULSE, now)
            if now >= desired_at:
                desired_at = now + DESIRED_EVERY
                await self.reread()
            if self.watch.connected_at is not None:
                self.asking.due(now)
                if now - self.watch.connected_at >= SETTLE:
                    self._decide(now)

    async def reread(self) -> None:
        desired = await asyncio.to_thread(self.desired.read_if_changed)
        if desired is not None:
            self.world.desire(desired, time.monotonic())
            self._log.info("desired.json read", extra={"instances": len(desired.instances)})
            if self.watch.connected_at is not None:
                await self.watch.again()
        for service in self.holds.expired(time.time()):
            self.tell("hold_ended", service, {"why": "its time is over"})

    def _decide(self, now: float) -> None:
        wanted = {name: one.wanted.boot_seconds for name, one in self.world.treated().items()}
        boots = {name: self.boots.deadline(name, told, self.policy.boot_default) for name, told in wanted.items()}
        before = self.memories
        self.memories, decisions = decide(before, self.world.facts(boots), now, self.policy)
        for name, after in self.memories.items():
            self._note(name, before.get(name, Memory()), after, now)
        for decision in decisions:
            self.world.acting.add(decision.name)
            self.acts[decision.name, decision.kind] += 1
            task = asyncio.create_task(self._carry_out(decision))
            self._acting.add(task)
            task.add_done_callback(self._acting.discard)

    def _note(self, name: str, before: Memory, after: Memory, now: float) -> None:
        if after is before:
            return
        if after.answered and not before.answered and after.healthy_since is not None and after.boot_since > self.began:
            self.boots.took(name, after.healthy_since - after.boot_since)
        for kind, detail in notes(before, after, now):
            if kind == "healed":
                self.healed[name] += 1
                self.heal_seconds[name] += detail["seconds"]
            self.tell(kind, name, detail)

    async def _carry_out(self, decision: Decision) -> None:
        name = decision.name
        try:
            record = await self.hands.carry_out(decision, self.world.sights[name])
            outcome = record["outcome"]
            kind = "restarted" if outcome["ok"] else "restart_failed"
            about = {key: record[key] for key in ("kind", "remedy", "attempt", "why")}
            self.tell(kind, name, {**about, "evidence": record["id"], "outcome": outcome})
        except KeyError:
            pass  # no longer desired
        finally:
            self.world.acting.discard(name)
            if name in self.memories:
                self.memories[name] = acted(self.memories[name])
            self.nudge()

    def stop(self) -> None:
        self.asking.stop()
        for task in self._acting:
            task.cancel()
