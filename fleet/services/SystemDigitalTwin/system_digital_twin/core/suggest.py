"""What would make a change fit: the smallest set of removals, or another machine for one instance."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from itertools import combinations

from system_digital_twin.core.fit import World, judge, judge_machine
from system_digital_twin.core.needs import Key, Needs, Placed, on
from system_digital_twin.core.weigh import Verdict

MOST = 3  # removals together, and suggestions of a kind for a machine
WEIGHED = 12  # sets of two and more are made of so many instances: those that free the most of what breaks
PLACED = 20  # so many new instances are tried elsewhere


@dataclass(frozen=True)
class Removal:
    machine: str
    services: tuple[str, ...]


@dataclass(frozen=True)
class Elsewhere:
    service: str
    machine: str
    instead_of: str


def removals(machine: str, world: World, after: Placed, kept: Set[str]) -> list[Removal]:
    """The smallest sets of instances that were there before and whose going makes `machine` fit; none of `kept`."""
    found = judge_machine(machine, world, after)
    if found.verdict is not Verdict.NO:
        return []
    old, new = on(world.before, machine), on(after, machine)
    there = {name: needs for name, needs in new.items() if old.get(name) == needs and name not in kept}
    if not _fits(machine, world, after, tuple(there)):
        return []
    broken = [row.resource for row in found.rows if row.hard and row.verdict is Verdict.NO]
    claimants = {claim.service for one in found.conflicts for claim in one.claims}

    def weight(name: str) -> tuple[bool, int, str]:
        return name not in claimants, -sum(_frees(world, machine, name, there[name])[one] for one in broken), name

    ranked = sorted(there, key=weight)
    for size in range(1, MOST + 1):
        among = ranked if size == 1 else ranked[:WEIGHED]
        fitting = [one for one in combinations(among, size) if _fits(machine, world, after, one)]
        if fitting:
            fitting.sort(key=lambda one: (sum(there[name].memory.low for name in one), sorted(one)))
            return [Removal(machine, tuple(sorted(one))) for one in fitting[:MOST]]
    return []


def _frees(world: World, machine: str, name: str, needs: Needs) -> dict[str, int]:
    """At least so much becomes free of each resource."""
    return {resource: room.counted.get(name, needs.of(resource)).low for resource, room in world.rooms[machine].items()}


def _fits(machine: str, world: World, after: Placed, without: tuple[str, ...]) -> bool:
    rest = {key: needs for key, needs in after.items() if key.machine != machine or key.service not in without}
    return judge_machine(machine, world, rest).verdict is Verdict.YES


def elsewhere(machines: Set[str], world: World, after: Placed) -> Iterator[Elsewhere]:
    """Other machines for one new instance with which all of `machines` fit, and the other one too."""
    fresh = sorted(key for key, needs in after.items() if world.before.get(key) != needs)[:PLACED]
    for key in fresh:
        for other in sorted(world.rooms):
            instead = Key(key.service, other)
            if instead in after:
                continue
            rest = {one: needs for one, needs in after.items() if one != key} | {instead: after[key]}
            if judge({*machines, other}, world, rest).verdict is Verdict.YES:
                yield Elsewhere(key.service, other, key.machine)
