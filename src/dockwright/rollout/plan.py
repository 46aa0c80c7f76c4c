"""The plan of a deploy: wave by wave what is started, replaced and removed, and why. Pure.

A plan with nothing to do says so: `Plan.empty` and the reasons in `kept`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from dockwright.rollout.target import MISSING, Seen, Target
from dockwright.rollout.waves import waited_for, waves
from dockwright.spec.model import Fleet, Instance

Kind = Literal["start", "replace", "remove"]


@dataclass(frozen=True)
class Step:
    """One change on the machine `host`. `before` is what runs now, `target` what shall run (None: nothing).

    `downtime` is how long the instance was away when it was last replaced, in seconds; None where nobody knows yet.
    """

    instance: Instance
    host: str
    kind: Kind
    why: str
    before: Seen | None
    target: Target | None
    downtime: float | None


@dataclass(frozen=True)
class PlannedWave:
    """Steps that are taken together, and gated together. `phase` is the phase's name, or "leftovers". `waits`: the
    instances of earlier waves that one of these waits for.
    """

    number: int
    phase: str
    steps: tuple[Step, ...]
    waits: frozenset[Instance] = frozenset()


@dataclass(frozen=True)
class Plan:
    """Everything that a deploy changes, in order; `kept`: instances that stay as they are; `notes`: what to know."""

    waves: tuple[PlannedWave, ...]
    kept: tuple[Instance, ...]
    notes: tuple[str, ...]

    @property
    def empty(self) -> bool:
        return not self.waves

    @property
    def fresh(self) -> bool:
        """Whether nothing that runs is touched. Waves need not wait for each other then, but for who is waited for."""
        return all(step.kind == "start" for step in self.steps)

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(step for wave in self.waves for step in wave.steps)


def plan(
    fleet: Fleet,
    targets: Mapping[Instance, Target],
    seen: Collection[Seen],
    downtimes: Mapping[Instance, float],
) -> Plan:
    """What leads from what is seen to the targets. Whatever is unchanged and running is left alone.

    What no target has where it is goes last, when everything that replaces it is healthy.
    """
    there = {(each.instance, each.host): each for each in seen}
    wanted = {(each, target.host) for each, target in targets.items()}
    order = waves(fleet, targets)
    planned: list[PlannedWave] = []
    for wave in order.waves:
        steps = [
            _step(targets[each], there.get((each, targets[each].host)), downtimes.get(each)) for each in wave.instances
        ]
        changed = tuple(step for step in steps if step)
        if changed:
            waits = {other for step in changed for other in waited_for(fleet, step.instance, targets)}
            planned.append(PlannedWave(len(planned) + 1, wave.phase, changed, frozenset(waits)))
    removed = tuple(_removal(there[place], targets) for place in sorted(there.keys() - wanted))
    if removed:
        planned.append(PlannedWave(len(planned) + 1, "leftovers", removed))
    changing = {step.instance for wave in planned for step in wave.steps if step.target}
    kept = tuple(each for wave in order.waves for each in wave.instances if each not in changing)
    return Plan(tuple(planned), kept, order.notes)


def _step(target: Target, seen: Seen | None, downtime: float | None) -> Step | None:
    if seen is None or seen.state == MISSING:
        return Step(target.instance, target.host, "start", "it has no container", None, target, None)
    why = _difference(target, seen)
    return Step(target.instance, target.host, "replace", why, seen, target, downtime) if why else None


def _removal(seen: Seen, targets: Mapping[Instance, Target]) -> Step:
    target = targets.get(seen.instance)
    why = f"it runs on {target.host}" if target else "the release does not have it"
    return Step(seen.instance, seen.host, "remove", why, seen, None, None)


def _difference(target: Target, seen: Seen) -> str:
    if seen.image != target.image:
        return f"image {_short(seen.image)} -> {_short(target.image)}"
    if seen.config != target.config:
        return "how it is started has changed"
    return "" if seen.running else f"its container is {seen.state}"


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12] or "unknown"
