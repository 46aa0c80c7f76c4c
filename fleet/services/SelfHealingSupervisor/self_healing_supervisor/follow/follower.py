"""Follows releases: looks for a newer one, tries it, keeps it or takes it back, and remembers what failed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from self_healing_supervisor.core.facts import Shape
from self_healing_supervisor.core.memory import Breaker
from self_healing_supervisor.docker import Denied
from self_healing_supervisor.follow import forced
from self_healing_supervisor.follow.registry import Silent
from self_healing_supervisor.follow.source import Source, next_release
from self_healing_supervisor.follow.state import Attempt, Kept, State, StateFile
from self_healing_supervisor.follow.trial import DoesNotHold, NotNow, Trial
from self_healing_supervisor.http1 import Unanswered
from self_healing_supervisor.sight import Sight
from self_healing_supervisor.supervisor import Supervisor

TICK: Final = 1.0
SAVE_AGAIN: Final = 30.0
SOON: Final = 2.0  # until an attempt goes on that something got in the way of
WATCHED_SECONDS: Final = 600.0  # after a release was kept, it goes back when it cannot hold after all
TROUBLES: Final = 2  # so many acts of healing on one instance in that time
LIVES: Final = 3  # an attempt in which the supervisor itself ended so often is not carried on

Tell = Callable[[str, dict[str, Any]], None]


class Follower:
    """`state` is on the disk before anything is done. `force`: FORCE_IMAGE_TAG's text."""

    def __init__(self, supervisor: Supervisor, state_dir: Path, force: str, log: logging.Logger) -> None:
        self._supervisor = supervisor
        self._world = supervisor.world
        self._docker = supervisor.docker
        self._file = StateFile(state_dir / "follow.json")
        self._log = log
        self.forced, self._unclear = forced.parse(force)
        self.problem = self._unclear
        self.state = State()
        self.source: Source | None = None
        self.waiting = ""  # why nothing is done just now
        self._due = 0.0  # monotonic
        self._lock_seen = False  # whether it was made sure that no attempt that is over still has the deploy lock
        self._acts: dict[str, int] = {}  # service -> acts of healing when its image was kept
        self.ends: Counter[str] = Counter()  # how attempts ended -> how often
        self._trial = Trial(self._docker, self._world, supervisor.hands, self, self._put)

    def load(self) -> None:
        """Blocking: what earlier lives left."""
        self.state = self._file.load()
        self._share()

    @property
    def connected(self) -> bool:
        return self._supervisor.watch.connected_at is not None

    def deadline(self, service: str) -> float:
        sight = self._world.sights[service]
        return self._supervisor.boots.deadline(service, sight.wanted.boot_seconds, self._supervisor.policy.boot_default)

    async def run(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            try:
                await self.step()
            except OSError as error:
                self._log.error("the state folder cannot be written", extra={"why": str(error)})
                await asyncio.sleep(SAVE_AGAIN)

    async def step(self) -> None:
        """One look, and what follows from it. Raises OSError when the state cannot be written."""
        if not self.connected or not self._world.machine:
            return
        self._heed()
        try:
            if self.state.attempt is None and not self._lock_seen:
                await self._docker.leave()
            self._lock_seen = True
            if self.state.attempt is None:
                self._watch_kept()
            if time.monotonic() < self._due:
                return
            if self.state.attempt is None:
                await self._look()
            if self.state.attempt is not None:
                await self._carry_on(self.state.attempt)
            self.waiting = ""
        except (NotNow, Silent, Unanswered, Denied) as error:
            if str(error) != self.waiting:
                self._log.warning("not now", extra={"why": str(error)})
            self.waiting = str(error)
            every = self._world.follow.every_seconds if self._world.follow else SOON
            self._due = time.monotonic() + (SOON if self.state.attempt else every)

    def forgive(self, name: str) -> bool:
        """Lets something be tried again that failed. Raises OSError."""
        found = self.state.failed.pop(name, None) is not None
        if found:
            self.state.tried = self._due = 0.0
            self._save()
        return found

    def _heed(self) -> None:
        """A new word of the operator ends what was going on here: what they wrote is what runs."""
        follow = self._world.follow
        if self._world.written_at != self.state.basis:
            self.state = self.state.renewed(self._world.written_at)
            self._save()
            self._due = 0.0
            self._lock_seen = False
        if follow is None:
            self.source = None
        elif self.source is None or (self.source.place, self.source.ca) != (follow.registry, follow.ca):
            try:
                self.source = Source(follow.registry, follow.ca, self._tell)
            except (OSError, ValueError) as error:  # an SSLError is an OSError
                self.source, self.problem = None, f"follow: ca is no certificate: {error}"

    async def _look(self) -> None:
        """Makes an attempt of what is wanted and not so. Raises NotNow, Silent, Unanswered, Denied."""
        if self.source is None or self._world.follow is None:
            if self.forced and self._world.follow is None:
                self.problem = f"{forced.VARIABLE} is set, and desired.json names no registry to follow"
            return
        self._due = time.monotonic() + self._world.follow.every_seconds
        self.problem = self._unclear
        for service, tag in self.forced.items():
            await self._force(service, tag, self.source)
            if self.state.attempt is not None:
                return
        if not self._world.follow.release:
            return
        state = self.state
        found, old = await next_release(
            self.source, self._world.follow.release, state.basis, state.old, state.tried, set(state.failed)
        )
        if old != state.old:
            state.old = old
            self._save()
        if found is not None and found.name != state.release:
            named = {name: f"{sight.wanted.machine}/{name}" for name, sight in self._world.treated().items()}
            images = {name: found.images[key] for name, key in named.items() if key in found.images}
            self._begin(found.name, self._changes(images), found.created)

    async def _force(self, service: str, tag: str, source: Source) -> None:
        sight = self._world.treated().get(service)
        if sight is None or sight.wanted.pinned:  # what is pinned was rolled out so
            return
        container = sight.wanted.container
        for name in forced.names(tag, sight.wanted.machine):
            digest = await self._docker.tagged(container, name) or await source.digest(
                container.removeprefix("dockwright-"), name
            )
            if digest:
                key = f"{service}={tag}@{digest[:12]}"
                images = {} if key in self.state.failed or sight.digest == digest else {service: digest}
                if images and self._free(sight):
                    self._begin(key, images, 0.0)
                return
        self.problem = f"{forced.VARIABLE}: {service} has no image tagged {tag}"

    def _changes(self, images: Mapping[str, str]) -> dict[str, str]:
        """What a release changes here: not what is held or pinned, nor what FORCE_IMAGE_TAG holds."""
        treated = self._world.treated()
        return {
            name: digest
            for name, digest in images.items()
            if name not in self.forced
            and not treated[name].wanted.pinned
            and self._free(treated[name])
            and treated[name].digest != digest
        }

    def _free(self, sight: Sight) -> bool:
        """Whether an instance is not left alone on somebody's wish."""
        return self._world.holds.get(sight.wanted.service) is None and sight.shape is not Shape.PAUSED

    def _begin(self, name: str, images: dict[str, str], created: float) -> None:
        state = self.state
        if not images:
            state.release, state.tried = name, max(state.tried, created)
            self._save()
            return
        before = {service: state.images.get(service, "") for service in images}
        state.attempt = Attempt(name, images, before, created, state.release)
        self._due = 0.0
        self._save()
        self._tell("release_found", {"release": name, "services": sorted(images)})

    async def _carry_on(self, attempt: Attempt) -> None:
        """Raises NotNow and the like while nothing can be said; the attempt stays, or goes if nothing was touched."""
        if not await self._docker.claim():
            raise NotNow("somebody deploys to this machine")
        began = time.monotonic()
        try:
            attempt.lives += 1
            if attempt.lives > LIVES and not attempt.why:
                attempt.why = f"the supervisor itself ended {LIVES} times while it was tried"
            self._save()
            if not attempt.why:
                try:
                    await self._trial.pull(attempt)
                    self._world.trying |= attempt.images.keys()  # from here on, healing leaves them alone
                    await self._trial.forward(attempt)
                except DoesNotHold as error:
                    attempt.why = str(error)
                    self._save()
                else:
                    await self._keep(attempt, began)
                    return
            self._world.trying |= attempt.images.keys()
            await self._go_back(attempt, began)
        except (NotNow, Unanswered, Denied):
            attempt.lives = max(0, attempt.lives - 1)  # that was not its fault
            if not attempt.touched and self.state.attempt is attempt:
                self.state.attempt = None
            self._save()
            raise
        finally:
            self._world.trying -= attempt.images.keys()
            self._supervisor.nudge()
            self._lock_seen = self.state.attempt is not None  # else it is left with the next step

    async def _keep(self, attempt: Attempt, began: float) -> None:
        state = self.state
        state.release = attempt.name if attempt.created else state.release
        state.tried = max(state.tried, attempt.created)
        until = time.time() + WATCHED_SECONDS
        state.kept = Kept(attempt.name, attempt.images, attempt.before, until, attempt.former)
        state.attempt = None
        self._acts = {name: self._restarts(name) for name in attempt.images}
        self._save()
        for service, digest in attempt.before.items():
            try:
                await self._docker.keep(self._world.sights[service].wanted.container, digest)
            except (Unanswered, Denied, KeyError) as error:
                self._log.warning("the former image got no -prev tag", extra={"about": service, "why": str(error)})
        self.ends["release_kept"] += 1
        self._tell("release_kept", self._said(attempt, began))

    async def _go_back(self, attempt: Attempt, began: float) -> None:
        """Tried once. What does not come back even so is told, and left to healing."""
        self._tell("release_fails", {"release": attempt.name, "why": attempt.why})
        said = {"why": attempt.why}
        kind = "release_taken_back"
        try:
            await self._trial.back(attempt)
        except (DoesNotHold, Denied) as error:
            kind, said["left"] = "take_back_failed", str(error)
        state = self.state
        state.failed[attempt.name] = attempt.why[:1000]
        state.tried = max(state.tried, attempt.created)
        state.attempt = None
        self._save()
        self.ends[kind] += 1
        self._tell(kind, {**self._said(attempt, began), **said})

    def _watch_kept(self) -> None:
        """A release that was kept and needs healing again and again goes back after all."""
        kept = self.state.kept
        if kept is None:
            return
        if time.time() >= kept.until:
            self.state.kept = None
            self._save()
            return
        for service in kept.images:
            memory = self._supervisor.memories.get(service)
            acts = self._restarts(service) - self._acts.get(service, 0)
            if memory and (acts >= TROUBLES or memory.breaker is Breaker.OPEN) and not memory.acting:
                why = f"{service} was healed {acts} times within {WATCHED_SECONDS:.0f} s after it was kept"
                attempt = Attempt(kept.name, kept.images, kept.before, self.state.tried, kept.former)
                attempt.touched, attempt.why = list(kept.images), why
                self.state.attempt, self.state.kept, self.state.release = attempt, None, kept.former
                self._due = 0.0
                self._save()
                return

    def _restarts(self, service: str) -> int:
        memory = self._supervisor.memories.get(service)
        return memory.restarts if memory else 0

    def _put(self, service: str, digest: str) -> None:
        """Writes down that a service gets an image: from here on, healing too makes its container from that one."""
        if self._world.written_at != self.state.basis:
            raise NotNow("the operator wrote anew what is desired")
        attempt = self.state.attempt
        if attempt is not None and service not in attempt.touched:
            attempt.touched.append(service)
        if digest:
            self.state.images[service] = digest
        else:
            self.state.images.pop(service, None)
        self._save()

    def _save(self) -> None:
        self._file.save(self.state)
        self._share()

    def _share(self) -> None:
        self._supervisor.images = dict(self.state.images)

    def _said(self, attempt: Attempt, began: float) -> dict[str, Any]:
        seconds = round(time.monotonic() - began, 1)
        return {"release": attempt.name, "services": sorted(attempt.images), "seconds": seconds}

    def _tell(self, kind: str, detail: dict[str, Any]) -> None:
        self._supervisor.tell(kind, self._world.own, detail)
