"""Waves: instances that may be replaced together, from the blueprint's phases and from who waits for whom. Pure.

A phase is one or more waves. Whoever is waited for goes first, on every machine where it runs; where the table puts it
into a later phase than one that waits for it, it is taken forward, and the waves say so.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from dockwright.spec.model import Fleet, Instance

NO_PHASE = "no phase"


@dataclass(frozen=True)
class Wave:
    """Instances that are replaced together. `phase` is the phase's name, or "no phase"."""

    number: int
    phase: str
    instances: tuple[Instance, ...]


@dataclass(frozen=True)
class Waves:
    """Every instance in exactly one wave, first wave first; `notes`: what does not stand where the table puts it."""

    waves: tuple[Wave, ...]
    notes: tuple[str, ...]


def waves(fleet: Fleet, instances: Collection[Instance]) -> Waves:
    """The waves of a set of instances. The fleet has been checked: nobody waits in a circle."""
    asked = set(instances)
    given = [each for each in fleet.instances() if each in asked]
    waiters = _waiters(fleet, given)
    own = {each: _phase(fleet, each) for each in given}
    ranks = {each: _earliest(each, own, waiters, {}) for each in given}
    levels: dict[Instance, int] = {}
    for each in given:
        _level(fleet, each, given, ranks, levels)
    places = sorted({(ranks[each], levels[each]) for each in given})
    made = tuple(
        Wave(number, _name(fleet, rank), tuple(each for each in given if (ranks[each], levels[each]) == (rank, level)))
        for number, (rank, level) in enumerate(places, 1)
    )
    return Waves(made, tuple(_notes(fleet, given, own, ranks)))


def waited_for(fleet: Fleet, instance: Instance, among: Collection[Instance]) -> list[Instance]:
    """The instances that one waits for: its machine's own where there is one, else that service wherever it runs."""
    found: list[Instance] = []
    for name in fleet.implementations[instance.service].depends:
        every = [each for each in among if each.service == name]
        found += [each for each in every if each.machine == instance.machine] or every
    return found


def _waiters(fleet: Fleet, given: list[Instance]) -> dict[Instance, list[Instance]]:
    """Instance -> those that wait for it."""
    found: dict[Instance, list[Instance]] = {each: [] for each in given}
    for each in given:
        for other in waited_for(fleet, each, given):
            found[other].append(each)
    return found


def _phase(fleet: Fleet, instance: Instance) -> int:
    """The number of an instance's phase; one more than the last where no phase takes it."""
    phase = fleet.phase_of(instance)
    return fleet.phases.index(phase) if phase else len(fleet.phases)


def _earliest(
    instance: Instance,
    own: dict[Instance, int],
    waiters: dict[Instance, list[Instance]],
    known: dict[Instance, int],
) -> int:
    """The phase in which an instance is needed: its own, or that of the first one that waits for it."""
    if instance not in known:
        known[instance] = min([own[instance], *(_earliest(each, own, waiters, known) for each in waiters[instance])])
    return known[instance]


def _level(
    fleet: Fleet, instance: Instance, given: list[Instance], ranks: dict[Instance, int], levels: dict[Instance, int]
) -> int:
    """How many waves of its own phase must be healthy before an instance."""
    if instance not in levels:
        before = [each for each in waited_for(fleet, instance, given) if ranks[each] == ranks[instance]]
        levels[instance] = 1 + max((_level(fleet, each, given, ranks, levels) for each in before), default=-1)
    return levels[instance]


def _name(fleet: Fleet, rank: int) -> str:
    return fleet.phases[rank].name if rank < len(fleet.phases) else NO_PHASE


def _notes(fleet: Fleet, given: list[Instance], own: dict[Instance, int], ranks: dict[Instance, int]) -> list[str]:
    found: list[str] = []
    for each in given:
        if own[each] == len(fleet.phases):
            where = "last" if ranks[each] == own[each] else f"with {_name(fleet, ranks[each])}, where it is waited for"
            found.append(f"{each.name} is in no phase: it goes {where}")
        elif ranks[each] != own[each]:
            found.append(
                f"{each.name} goes with {_name(fleet, ranks[each])} and not with {_name(fleet, own[each])}: "
                "it is waited for there"
            )
    return found
