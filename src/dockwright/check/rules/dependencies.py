"""What a service depends on or calls exists, can be reached in time, and nothing waits for itself."""

from __future__ import annotations

from collections.abc import Iterator

from dockwright.check.facts import Facts, finding
from dockwright.spec.finding import Finding
from dockwright.spec.model import Instance
from dockwright.spec.names import did_you_mean
from dockwright.spec.service import ServiceFile


def find(facts: Facts) -> Iterator[Finding]:
    for name, service in facts.fleet.implementations.items():
        for key in ("depends", "calls"):
            others = getattr(service, key)
            for index, other in enumerate(others):
                says = _wrong(facts, name, key, other)
                if not says and other in others[:index]:
                    says = f"names {other} twice"
                if says:
                    yield finding("dependencies", "error", service, f"{key}.{index}", says, key, index)
        if name in facts.fleet.services:
            yield from _elsewhere(facts, name, service)
    yield from _circles(facts)


def _wrong(facts: Facts, name: str, key: str, other: str) -> str:
    if other not in facts.fleet.services:
        return f"there is no service '{other}'{did_you_mean(other, facts.fleet.services)}"
    if other == name:
        return "a service cannot wait for itself" if key == "depends" else "a service does not call itself"
    if key == "depends" and other not in facts.folders:
        return f"waits for {other}, which is not implemented yet, so it would never start"
    return ""


def _elsewhere(facts: Facts, name: str, service: ServiceFile) -> Iterator[Finding]:
    """Who waits for another machine cannot start while it is away; who waits for a later phase, not at all."""
    fleet = facts.fleet
    order = {phase.name: index for index, phase in enumerate(fleet.phases)}
    for index, other in enumerate(service.depends):
        row = fleet.services.get(other)
        for machine in fleet.services[name].machines if row else ():
            there = machine if row and machine in row.machines else (row.machines[0] if row else machine)
            mine, theirs = fleet.phase_of(Instance(name, machine)), fleet.phase_of(Instance(other, there))
            path = f"depends.{index}"
            if mine and theirs and order[theirs.name] > order[mine.name]:
                says = f"{other} comes in phase {theirs.name}, after phase {mine.name} of {machine}/{name}"
                yield finding("dependencies", "error", service, path, says, "depends", index)
            elif there != machine:
                says = f"{other} does not run on {machine}, which could not start alone; expected `calls`"
                yield finding("dependencies", "warning", service, path, says, "depends", index)


def _circles(facts: Facts) -> Iterator[Finding]:
    """Each circle of depends once, at its first service in the order of names."""
    graph = facts.fleet.implementations
    done: set[str] = set()
    for start in graph:
        path: list[str] = []
        stack = [(start, iter(graph[start].depends))]
        if start in done:
            continue
        path.append(start)
        while stack:
            name, rest = stack[-1]
            other = next(rest, None)
            if other is None:
                stack.pop()
                done.add(path.pop())
            elif other in path:
                circle = [*path[path.index(other) :], other]
                if len(circle) > 2:
                    index = graph[name].depends.index(other)
                    says = f"each waits for the next: {' -> '.join(circle)}"
                    yield finding("dependencies", "error", graph[name], f"depends.{index}", says, "depends", index)
            elif other in graph and other not in done:
                path.append(other)
                stack.append((other, iter(graph[other].depends)))
