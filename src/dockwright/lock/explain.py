"""Who wants a package: through which family, and through which chain of requirements."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from dockwright.lock.debs import DebLock
from dockwright.lock.pins import Lock
from dockwright.lock.tasks import Task


@dataclass(frozen=True)
class Step:
    """One link of a chain: who asks, and for what."""

    source: str
    requirement: str


@dataclass(frozen=True)
class Wanted:
    """A package where it enters an image: with this family or service, in this version, for these reasons."""

    brought_by: str
    package: str
    version: str
    size: int
    chains: tuple[tuple[Step, ...], ...]
    also_in: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        chains = [[{"source": step.source, "requirement": step.requirement} for step in chain] for chain in self.chains]
        return {
            "package": self.package,
            "version": self.version,
            "bytes": self.size,
            "brought_by": self.brought_by,
            "also_in": list(self.also_in),
            "chains": chains,
        }


def python(tasks: Mapping[str, Task], locks: Mapping[str, Lock], name: str) -> list[Wanted]:
    """Every place where a Python package enters: in a lock that has it while its parent's has not."""
    found = []
    for task in tasks.values():
        lock = locks.get(task.name)
        above = locks.get(task.parent)
        if lock is None or name not in lock.pins or (above is not None and name in above.pins):
            continue
        pin = lock.pins[name]
        made = tuple(chains(lock, name))
        found.append(Wanted(task.name, name, pin.version, pin.size, made, _below(tasks, task.name)))
    return found


def chains(lock: Lock, name: str) -> list[tuple[Step, ...]]:
    """For everyone who asks for a package, the shortest way there from a requirements.in."""
    ways = shortest(lock)
    found = []
    for via in lock.pins[name].via:
        before = () if via.is_input else ways.get(via.source, ())
        found.append((*before, Step(via.source, via.requirement)))
    return sorted(found, key=lambda chain: (len(chain), chain[0].source, chain[-1].source))


def shortest(lock: Lock) -> dict[str, tuple[Step, ...]]:
    """Package -> the shortest chain that reaches it from an input."""
    found: dict[str, tuple[Step, ...]] = {}
    for name, pin in lock.pins.items():
        first = next((via for via in pin.via if via.is_input), None)
        if first:
            found[name] = (Step(first.source, first.requirement),)
    below: dict[str, list[tuple[str, str]]] = {}
    for name, pin in lock.pins.items():
        for via in pin.via:
            below.setdefault(via.source, []).append((name, via.requirement))
    waiting = deque(found)
    while waiting:
        name = waiting.popleft()
        for other, requirement in below.get(name, []):
            if other not in found:
                found[other] = (*found[name], Step(name, requirement))
                waiting.append(other)
    return found


def _below(tasks: Mapping[str, Task], name: str) -> tuple[str, ...]:
    having = {name}
    for task in tasks.values():
        if task.parent in having:
            having.add(task.name)
    return tuple(task for task in tasks if task in having - {name})


def debian(locks: Mapping[str, DebLock], name: str) -> list[Wanted]:
    """Every lock of Debian packages that has a package. Its chains are one step long: who depends on it."""
    found = []
    for owner, lock in locks.items():
        deb = lock.debs.get(name)
        if deb is not None:
            steps = tuple((Step(source, name),) for source in deb.via)
            found.append(Wanted(owner, name, deb.version, deb.size, steps))
    return found
