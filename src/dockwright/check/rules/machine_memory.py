"""What the implemented services of a machine may take together fits it: memory, GPU memory, CPUs of each."""

from __future__ import annotations

from collections.abc import Iterator

from dockwright.check.facts import Facts, finding
from dockwright.spec.finding import Finding


def find(facts: Facts) -> Iterator[Finding]:
    fleet = facts.fleet
    for name, machine in fleet.machines.items():
        services = [fleet.implementations[service] for service in facts.on_machine[name]]
        for key in ("memory_mb", "gpu_memory_mb"):
            total, have = sum(getattr(service, key) for service in services), getattr(machine, key)
            if total > have:
                most = sorted(services, key=lambda service, key=key: -getattr(service, key))[:3]  # type: ignore[misc]
                largest = ", ".join(f"{service.name} {getattr(service, key)}" for service in most)
                says = f"has {have} MiB, and its services claim {total} together (the largest: {largest})"
                yield finding("machine-memory", "error", machine, f"machines.{name}.{key}", says, key)
        for service in services:
            if service.cpus > machine.cpus:
                says = f"{service.cpus:g} CPUs, and {name} has {machine.cpus}"
                yield finding("machine-memory", "error", service, "cpus", says, "cpus")
