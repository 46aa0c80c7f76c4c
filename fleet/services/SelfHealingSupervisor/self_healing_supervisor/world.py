"""All instances of this machine as they are seen; the engine's events change it. No I/O, no waiting."""

from __future__ import annotations

import dataclasses
from typing import Any

from self_healing_supervisor.core.facts import Facts, Shape
from self_healing_supervisor.desired import Desired, Follow, Wanted
from self_healing_supervisor.holds import Hold, Holds
from self_healing_supervisor.sight import Sight

SIGNAL_LASTS = 60.0  # a signal explains an end within so many seconds: longer than any patience of `docker stop`


class World:
    """`own` is the supervisor's service: the engine restarts it, so it is seen, never treated."""

    def __init__(self, own: str, holds: Holds) -> None:
        self.own = own
        self.holds = holds
        self.machine = ""
        self.written_at = 0.0
        self.sights: dict[str, Sight] = {}
        self.acting: set[str] = set()
        self.trying: set[str] = set()  # services whose image is being replaced
        self.follow: Follow | None = None
        self.order: tuple[Wanted, ...] = ()  # whoever is waited for comes first

    def desire(self, desired: Desired, now: float) -> None:
        """Takes a new desired.json: what it no longer names is forgotten, a stop before it is over."""
        self.machine, self.written_at = desired.machine, desired.written_at
        self.follow, self.order = desired.follow, desired.instances
        wanted = {one.service: one for one in desired.instances}
        for name in self.sights.keys() - wanted.keys():
            del self.sights[name]
        for name, one in wanted.items():
            sight = self.sights.get(name)
            if sight is None or sight.wanted.container != one.container:
                self.sights[name] = Sight(one, now)
            else:
                sight.wanted = one
        for name, hold in self.holds.all().items():
            if hold.by == "stop" and hold.since < desired.written_at:
                self.holds.lift(name)

    def by_container(self, container: str) -> Sight | None:
        return next((one for one in self.sights.values() if one.wanted.container == container), None)

    def own_networks(self) -> frozenset[str]:
        own = self.sights.get(self.own)
        return frozenset(own.networks) if own else frozenset()

    def treated(self) -> dict[str, Sight]:
        return {name: one for name, one in self.sights.items() if name != self.own}

    def facts(self, boots: dict[str, float]) -> dict[str, Facts]:
        """Of every instance that is ours to heal; `boots` gives each start's deadline in seconds."""
        found = {}
        for name, sight in self.treated().items():
            facts = sight.facts(self.holds.get(name) is not None, boots[name], name in self.trying)
            found[name] = dataclasses.replace(facts, depends=tuple(d for d in facts.depends if d != self.own))
        return found

    def event(self, event: dict[str, Any], now: float, wall: float) -> str | None:
        """Takes one event. Returns the service whose container is to be inspected now, "" for all, None for none."""
        actor = event.get("Actor") or {}
        attributes = actor.get("Attributes") or {}
        action = str(event.get("Action", "")).partition(":")[0]
        if action == "rename":
            return ""
        sight = self.by_container(str(attributes.get("name", "")))
        if sight is None:
            return None
        at = float(event.get("timeNano", 0)) / 1e9 or wall
        same = not sight.id or sight.id == actor.get("ID")
        if action == "start":
            self._started(sight.wanted)
        elif not same:
            return None
        elif action == "stop":
            self._stopped(sight, at)
        elif at >= sight.looked_at:
            self._take(sight, action, attributes, now)
        return sight.wanted.service if action in ("start", "create", "pause", "unpause", "destroy") else None

    def _take(self, sight: Sight, action: str, attributes: dict[str, Any], now: float) -> None:
        ours = sight.wanted.service in self.acting
        if action == "kill" and not ours:
            sight.signalled_at = now
        elif action == "die":
            if sight.signalled_at is not None and now - sight.signalled_at > SIGNAL_LASTS:
                sight.signalled_at = None
            code = str(attributes.get("exitCode", ""))
            sight.ended(int(code) if code.isdigit() else None, now)
        elif action == "oom":
            sight.oom_killed = True
        elif action == "destroy":
            sight.gone(now)

    def _started(self, wanted: Wanted) -> None:
        hold = self.holds.get(wanted.service)
        if hold is not None and hold.by == "stop":
            self.holds.lift(wanted.service)

    def _stopped(self, sight: Sight, at: float) -> None:
        """The supervisor never uses the engine's stop: whoever does means the container to rest."""
        if at < sight.looked_at and sight.shape not in (Shape.ENDED, Shape.ABSENT):
            return
        name = sight.wanted.service
        if self.holds.get(name) is None and name != self.own and at > self.written_at:
            self.holds.put(name, Hold("stopped through Docker by somebody else", "stop", at))
