"""Answers a question: what is there now, what would be there, and whether the machines hold it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from system_digital_twin.core import reasons
from system_digital_twin.core.change import Change, apply
from system_digital_twin.core.fit import Answer, World, judge
from system_digital_twin.core.needs import Key, Needs, Placed, Resource, on
from system_digital_twin.core.room import Rooms
from system_digital_twin.core.suggest import Elsewhere, Removal, elsewhere, removals
from system_digital_twin.core.weigh import Verdict
from system_digital_twin.declared import Declared
from system_digital_twin.resolve import UNTOLD, Contradiction, resolve
from system_digital_twin.rooms import declared_rooms, live_rooms, placed, thousandths, unknown_rooms
from system_digital_twin.sight import Sight
from system_digital_twin.wishes import Question, Reserve

CORE_PHASE: Final = "core-infra"  # what the fleet stands on is never suggested for removal
ELSEWHERE: Final = 5  # suggestions


@dataclass(frozen=True)
class Result:
    """`before` and `answer` tell of the same machines, without and with the change."""

    before: Answer
    answer: Answer
    notes: list[str]
    removals: list[Removal] = field(default_factory=list)
    elsewhere: list[Elsewhere] = field(default_factory=list)


def simulate(question: Question, declared: Declared, sights: dict[str, Sight]) -> Result:
    """`sights`: of all machines. Raises Contradiction when the question cannot be meant so."""
    known = placed(declared)
    live = question.against == "live"
    there = {**_seen(sights, known), **known} if live else known
    empty = question.base == "empty"
    base: Placed = {} if empty else there
    change = resolve(question, known, base)
    machines = _machines(question, change, sights)
    reserve = _reserve(question.reserve)
    now = World(there, {name: _rooms(live, declared, sights[name], there, False) for name in sights}, reserve)
    then = World(there, {name: _rooms(live, declared, sights[name], there, empty) for name in sights}, reserve)
    after = apply(base, change)
    answer = judge(machines, then, after)
    notes = _notes(machines, sights, there, declared) if live else []
    before = judge(machines, now, there)
    if not question.suggestions or answer.verdict is not Verdict.NO:
        return Result(before, answer, notes)
    fewer = [one for name in sorted(machines) for one in removals(name, then, after, _kept(declared))]
    return Result(before, answer, notes, fewer, list(islice(elsewhere(machines, then, after), ELSEWHERE)))


def _machines(question: Question, change: Change, sights: dict[str, Sight]) -> set[str]:
    machines = change.machines | set(question.machines)
    strangers = sorted(machines - sights.keys())
    if strangers:
        raise Contradiction(f"there is no machine {reasons.names(strangers)}; there are: {', '.join(sorted(sights))}")
    return machines or set(sights)


def _reserve(asked: Reserve) -> dict[Resource, int]:
    return {
        Resource.MEMORY: asked.memory_mb,
        Resource.GPU_MEMORY: asked.gpu_memory_mb,
        Resource.DISK: asked.disk_mb,
        Resource.CPU: thousandths(asked.cpus) or 0,
    }


def _rooms(live: bool, declared: Declared, sight: Sight, there: Placed, empty: bool) -> Rooms:
    machine, report = sight.machine, sight.fresh
    if live:
        return unknown_rooms(sight.reason) if report is None else live_rooms(report, on(there, machine))
    box = declared.machines.get(machine)
    if box is None:
        return unknown_rooms(f"{machine} is not declared")
    return declared_rooms(machine, box, told=empty or declared.tells_of(machine))


def _seen(sights: dict[str, Sight], known: Placed) -> dict[Key, Needs]:
    """What runs, whether it is declared there or not."""
    needs = {key.service: needs for key, needs in known.items()}
    return {
        Key(service, name): needs.get(service, UNTOLD)
        for name, sight in sights.items()
        for service in (sight.fresh.uses() if sight.fresh else ())
    }


def _notes(machines: set[str], sights: dict[str, Sight], there: Placed, declared: Declared) -> list[str]:
    found = []
    for name in sorted(machines):
        report = sights[name].fresh
        if report is None:
            continue
        idle = on(there, name).keys() - report.uses().keys()
        if idle:
            found.append(f"{name}: {reasons.names(idle)} should run there, not seen running: counted at full need")
        if not declared.tells_of(name):
            found.append(f"{name}: what is desired there is not told here: only what runs is counted")
    return found


def _kept(declared: Declared) -> set[str]:
    waited_for = {name.rpartition("/")[2] for one in declared.every for name in one.depends}
    return waited_for | {one.service for one in declared.every if one.phase == CORE_PHASE}
