"""A simulated instance under the real decision core, on simulated time: no clock, no engine."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum, auto

from self_healing_supervisor.core.facts import Facts, Health, Shape
from self_healing_supervisor.core.fleet import decide
from self_healing_supervisor.core.learn import acted
from self_healing_supervisor.core.memory import Decision, Memory, Remedy
from self_healing_supervisor.core.policy import Policy

PERIOD = 1.5  # between two questions to the health port


class Nature(Enum):
    """What a program does once it is started."""

    GOOD = auto()
    CRASHES = auto()  # ends half a second after each start
    HANGS = auto()  # answers at first, then never
    MUTE = auto()  # never answers
    UNWELL = auto()  # answers 503 for ever


class Instance:
    def __init__(self, name: str, depends: tuple[str, ...] = (), boot: float = 1.0) -> None:
        self.name = name
        self.boot = boot
        self.nature = Nature.GOOD
        self.started = 0.0
        self.asked = 0.0
        self.startable = True
        self.facts = Facts(shape=Shape.RUNNING, run="run-0", seen=True, boot_seconds=10.0, depends=depends)

    def end(self, now: float, shape: Shape = Shape.ENDED, signalled: bool = False) -> None:
        self.facts = replace(
            self.facts, shape=shape, since=now, signalled=signalled, health=Health.UNKNOWN, misses=0, unwell_since=None
        )

    def start(self, now: float) -> None:
        self.started = now
        run = f"run-{now}"
        self.facts = replace(
            self.facts, shape=Shape.RUNNING, since=now, run=run, seen=True, health=Health.UNKNOWN, misses=0
        )

    def live(self, now: float) -> None:
        """Lets the program do what is its nature, and asks its health port when that is due."""
        if self.facts.shape is not Shape.RUNNING:
            return
        age = now - self.started
        if self.nature is Nature.CRASHES and age >= 0.5:
            self.end(now)
        elif now - self.asked >= PERIOD:
            self.asked = now
            self._answer(age, now)

    def _answer(self, age: float, now: float) -> None:
        silent = age < self.boot or self.nature is Nature.MUTE or (self.nature is Nature.HANGS and age > self.boot + 4)
        if silent:
            self.facts = replace(self.facts, health=Health.SILENT, misses=self.facts.misses + 1, unwell_since=None)
        elif self.nature is Nature.UNWELL:
            since = now if self.facts.unwell_since is None else self.facts.unwell_since
            self.facts = replace(self.facts, health=Health.UNWELL, misses=0, unwell_since=since)
        else:
            self.facts = replace(self.facts, health=Health.WELL, misses=0, unwell_since=None)


class World:
    """Instances, their memories, and every decision with its time."""

    def __init__(self, *instances: Instance, policy: Policy | None = None) -> None:
        self.policy = policy or Policy()
        self.now = 0.0
        self.instances = {one.name: one for one in instances}
        self.memories: dict[str, Memory] = {}
        self.done: list[tuple[float, Decision]] = []

    def tick(self, seconds: float = 0.25) -> None:
        self.now += seconds
        for one in self.instances.values():
            one.live(self.now)
        facts = {name: one.facts for name, one in self.instances.items()}
        self.memories, decisions = decide(self.memories, facts, self.now, self.policy)
        for decision in decisions:
            self.done.append((self.now, decision))
            self._carry_out(self.instances[decision.name], decision)
            self.memories[decision.name] = acted(self.memories[decision.name])

    def _carry_out(self, one: Instance, decision: Decision) -> None:
        if decision.remedy in (Remedy.KILL, Remedy.RESTART):
            one.end(self.now)
        if one.startable:
            one.start(self.now)

    def run(self, seconds: float, step: float = 0.25) -> None:
        until = self.now + seconds
        while self.now < until:
            self.tick(step)

    def until_healthy(self, name: str, most: float, step: float = 0.25) -> float:
        """Seconds until `name` is healthy; fails after `most`."""
        began = self.now
        while self.memories.get(name, Memory()).state != "healthy":
            assert self.now - began < most, f"{name} is not healthy after {most} s: {self.memories[name]}"
            self.tick(step)
        return self.now - began
