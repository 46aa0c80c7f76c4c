"""Carries out one decision: evidence first, then the remedy, then a fresh look at the container."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from self_healing_supervisor.core.facts import Shape
from self_healing_supervisor.core.memory import Decision, Kind, Remedy
from self_healing_supervisor.docker import Denied, Docker
from self_healing_supervisor.evidence import Evidence
from self_healing_supervisor.http1 import Unanswered
from self_healing_supervisor.sight import Sight
from self_healing_supervisor.stats import memory_mb
from self_healing_supervisor.watch import Watch
from self_healing_supervisor.world import World

LOOK: Final = 0.1
ABORT_SECONDS: Final = 1.5  # a hung Python that is asked to abort writes where it hangs
TERM_SECONDS: Final = 11.0  # a service drains inside 10 s
KILL_SECONDS: Final = 5.0
EVIDENCE_SECONDS: Final = 3.0


class Failed(Exception):
    """The remedy could not be carried out; str() says why."""


def _iso(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds")


def why(decision: Decision, sight: Sight) -> str:
    """One line for people."""
    last = sight.answers[-1].detail if sight.answers else "no answer yet"
    match decision.kind:
        case Kind.CRASHED:
            return f"ended with exit code {sight.exit_code}" + (", out of memory" if sight.oom_killed else "")
        case Kind.FOUND_DOWN:
            return f"was down when first seen, exit code {sight.exit_code}"
        case Kind.NOT_STARTED:
            return "was created and never started"
        case Kind.REMOVED:
            return "its container was removed"
        case Kind.HUNG:
            return f"missed {sight.misses} health answers in a row: {last}"
        case Kind.BOOT_RAN_OUT:
            return f"was not healthy within its deadline: {last}"
        case Kind.UNWELL:
            return f"has been unwell for too long: {last}"


class Hands:
    """`digest_of`: the image that a service runs instead of the one that the operator approved, or an empty text."""

    def __init__(
        self,
        docker: Docker,
        world: World,
        watch: Watch,
        evidence: Evidence,
        digest_of: Callable[[str], str],
        log: logging.Logger,
    ) -> None:
        self._docker = docker
        self._world = world
        self._watch = watch
        self._evidence = evidence
        self._digest_of = digest_of
        self._log = log

    async def carry_out(self, decision: Decision, sight: Sight) -> dict[str, Any]:
        """Returns the evidence record, whose "outcome" says how it went. Never raises but on cancellation."""
        began = time.monotonic()
        record = self._record(sight) | {
            "kind": decision.kind,
            "remedy": decision.remedy,
            "attempt": decision.attempt,
            "why": why(decision, sight),
        }
        error = ""
        try:
            await self._begin(record, decision, sight)
            await self._remedy(decision, sight, record)
        except (Unanswered, Denied, Failed, OSError, ValueError) as failure:
            error = str(failure) or type(failure).__name__
        record["outcome"] = {"ok": not error, "error": error, "seconds": round(time.monotonic() - began, 3)}
        await self._keep(record)
        try:
            await self._watch.look_at(decision.name)
        except (Unanswered, Denied) as failure:
            self._log.warning("a look after an act failed", extra={"service": decision.name, "why": str(failure)})
        return record

    async def replace(self, sight: Sight, digest: str) -> None:
        """A new container of an image (by default of the approved one) in place of the one that is there.

        Raises Failed, Unanswered, Denied; then it may have no container.
        """
        service = sight.wanted.service
        self._world.acting.add(service)
        try:
            await self._watch.look_at(service)
            if sight.id:
                if sight.shape not in (Shape.ENDED, Shape.CREATED):
                    await self._end(sight, gently=True)
                await self._docker.remove(sight.id)
            await self._docker.create(sight.wanted.container, digest)
            await self._docker.start(sight.wanted.container)
            await self._watch.look_at(service)
        finally:
            self._world.acting.discard(service)

    async def witness(self, sight: Sight, about: str, attempt: int) -> str:
        """Keeps what is seen of an instance whose new image does not hold; the evidence's number."""
        record = self._record(sight) | {"kind": "did_not_hold", "remedy": "take_back", "attempt": attempt, "why": about}
        try:
            record["logs"] = await self._docker.logs(sight.id) if sight.id else []
        except (Unanswered, Denied) as error:
            record["evidence_error"] = str(error)
        await self._keep(record)
        return str(record["id"])

    def _record(self, sight: Sight) -> dict[str, Any]:
        wall = time.time()
        return {
            "id": self._evidence.new_id(sight.wanted.container.removeprefix("dockwright-"), wall),
            "at": _iso(wall),
            "service": sight.wanted.service,
            "machine": sight.wanted.machine,
            "container": sight.wanted.container,
            "container_id": sight.id,
            "image": sight.image,
            "exit_code": sight.exit_code,
            "oom_killed": sight.oom_killed,
            "engine_error": sight.error,
            "memory_mb": None,
            "answers": [{"at": _iso(one.at), "health": one.health, "detail": one.detail} for one in sight.answers],
            "logs": [],
            "outcome": None,
        }

    async def _begin(self, record: dict[str, Any], decision: Decision, sight: Sight) -> None:
        """What can only be seen before the remedy."""
        if decision.remedy is Remedy.RECREATE:
            await self._keep(record)
            return
        try:
            async with asyncio.timeout(EVIDENCE_SECONDS):
                if decision.remedy is Remedy.START:
                    await self._watch.look_at(decision.name)  # for the engine's word on exit code and memory
                    record |= {"exit_code": sight.exit_code, "oom_killed": sight.oom_killed}
                    record |= {"engine_error": sight.error, "why": why(decision, sight)}
                else:
                    record["memory_mb"] = memory_mb(await self._docker.stats(sight.id))
                record["logs"] = await self._docker.logs(sight.id)
        except (Unanswered, Denied, TimeoutError) as error:
            record["evidence_error"] = str(error) or "no time"
        await self._keep(record)

    async def _keep(self, record: dict[str, Any]) -> None:
        try:
            await asyncio.to_thread(self._evidence.keep, record)
        except OSError as error:
            self._log.error("evidence could not be kept", extra={"evidence": record["id"], "why": str(error)})

    async def _remedy(self, decision: Decision, sight: Sight, record: dict[str, Any]) -> None:
        if decision.remedy is Remedy.RECREATE:
            await self._create(sight)
        elif decision.remedy in (Remedy.KILL, Remedy.RESTART):
            await self._end(sight, gently=decision.remedy is Remedy.RESTART)
            record["logs"] = await self._docker.logs(sight.id)  # with what it wrote while it ended
        if self._world.holds.get(decision.name) is not None:
            raise Failed("a hold came meanwhile: not started")
        await self._docker.start(sight.wanted.container if decision.remedy is Remedy.RECREATE else sight.id)

    async def _create(self, sight: Sight) -> None:
        try:
            await self._docker.create(sight.wanted.container, self._digest_of(sight.wanted.service))
        except Denied as denial:
            if denial.status != 409:  # 409: somebody else has just made it
                raise

    async def _end(self, sight: Sight, gently: bool) -> None:
        signal, seconds = ("SIGTERM", TERM_SECONDS) if gently else ("SIGABRT", ABORT_SECONDS)
        await self._docker.kill(sight.id, signal)
        if not await self._ended(sight, seconds):
            await self._docker.kill(sight.id, "SIGKILL")
            if not await self._ended(sight, KILL_SECONDS):
                raise Failed("it does not end, not even when killed")

    async def _ended(self, sight: Sight, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = await self._docker.inspect(sight.id)
            if found is None:
                raise Failed("it was removed meanwhile")
            if found["State"]["Status"] in ("exited", "dead"):
                return True
            await asyncio.sleep(LOOK)
        return False
