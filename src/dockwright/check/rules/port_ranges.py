"""Ports can be bound without privileges and are not ones that the kernel hands out by itself."""

from __future__ import annotations

from collections.abc import Iterator

from dockwright.check.facts import Facts, finding
from dockwright.spec.finding import Finding

EPHEMERAL = range(32768, 61000)  # Linux's default net.ipv4.ip_local_port_range


def find(facts: Facts) -> Iterator[Finding]:
    for name, row in facts.fleet.services.items():
        for key, port in (("port", row.port), ("health_port", row.health_port)):
            path = f"services.{name}.{key}"
            if port < 1024:
                says = f"port {port} needs privileges that services do not have; expected 1024 or more"
                yield finding("port-ranges", "error", row, path, says, key)
            elif port in EPHEMERAL:
                says = (
                    f"port {port} is one that Linux hands to outgoing connections; expected one below {EPHEMERAL.start}"
                )
                yield finding("port-ranges", "warning", row, path, says, key)
