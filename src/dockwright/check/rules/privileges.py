"""Docker's socket goes to services whose row needs Docker, and to no others."""

from __future__ import annotations

from collections.abc import Iterator

from dockwright.check.facts import Facts, finding
from dockwright.spec.finding import Finding


def find(facts: Facts) -> Iterator[Finding]:
    for name, service in facts.fleet.implementations.items():
        row = facts.fleet.services.get(name)
        if row is None or service.docker == ("Docker" in row.needs):
            continue
        says = (
            f"asks for Docker's socket, and its row needs {'/'.join(row.needs)}; expected docker = false"
            if service.docker
            else "its row needs Docker; expected docker = true"
        )
        yield finding("privileges", "error", service, "docker", says, "docker")
