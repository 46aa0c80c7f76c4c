"""Ports that two instances of a machine claim, as service port or as health port."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from system_digital_twin.core.needs import OnMachine


@dataclass(frozen=True, order=True)
class Claim:
    service: str
    kind: str  # port or health_port


@dataclass(frozen=True)
class Conflict:
    machine: str
    port: int
    claims: tuple[Claim, ...]

    @property
    def why(self) -> str:
        found = ", ".join(f"{claim.service} ({claim.kind})" for claim in self.claims)
        return f"port {self.port} on {self.machine}: claimed by {found}"


def conflicts(machine: str, placed: OnMachine) -> tuple[Conflict, ...]:
    claims: defaultdict[int, list[Claim]] = defaultdict(list)
    for service, needs in placed.items():
        for kind, port in (("port", needs.port), ("health_port", needs.health_port)):
            if port is not None:
                claims[port].append(Claim(service, kind))
    return tuple(Conflict(machine, port, tuple(sorted(found))) for port, found in sorted(claims.items()) if found[1:])


def untold(placed: OnMachine) -> list[str]:
    """Services of which not both ports are known."""
    return [service for service, needs in placed.items() if needs.port is None or needs.health_port is None]
