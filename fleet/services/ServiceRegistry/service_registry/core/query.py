"""Whom somebody looks for, and in which order to try the ones that are found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import nsmallest

from service_registry.core.registration import Registration


@dataclass(frozen=True)
class Query:
    """Everything that is given must hold; of capabilities, all."""

    service: str | None = None
    machine: str | None = None
    capabilities: frozenset[str] = frozenset()

    def matches(self, one: Registration) -> bool:
        return (
            self.service in (None, one.service)
            and self.machine in (None, one.machine)
            and self.capabilities.issubset(one.capabilities)
        )


@dataclass(frozen=True, slots=True)
class Found:
    """`left` is what remains of the lease, in seconds."""

    registration: Registration
    left: float

    @property
    def late(self) -> bool:
        """Services renew when a third of the lease is over: this one has missed a renewal and may be in trouble."""
        return self.left < self.registration.lease_seconds / 3


def in_order(found: Iterable[Found], machine: str | None, most: int) -> list[Found]:
    """Those that renew in time come before those that are late; among equals the preferred machine comes first."""
    return nsmallest(
        most, found, key=lambda one: (one.late, one.registration.machine != machine, one.registration.machine)
    )
