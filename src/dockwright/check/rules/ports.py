"""No two instances on one machine claim the same port, be it for service or health."""

from __future__ import annotations

from collections.abc import Iterator

from dockwright.check.facts import Facts, finding
from dockwright.spec.finding import Finding


def find(facts: Facts) -> Iterator[Finding]:
    claims: dict[tuple[str, int], tuple[str, str]] = {}
    for name, row in facts.fleet.services.items():
        for machine in dict.fromkeys(row.machines):
            for key, port in (("port", row.port), ("health_port", row.health_port)):
                other = claims.setdefault((machine, port), (name, key))
                if other == (name, key):
                    continue
                first = facts.fleet.services[other[0]]
                who = "itself" if other[0] == name else f"{other[0]} (line {first.line(other[1])})"
                says = f"port {port} on {machine} is already claimed by {who} as its {other[1]}"
                yield finding("ports", "error", row, f"services.{name}.{key}", says, key)
