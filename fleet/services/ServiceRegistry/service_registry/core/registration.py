"""One service on one machine that says it is there, and what can happen to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Key = tuple[str, str]  # service, machine: at most one registration each


@dataclass(frozen=True)
class Registration:
    """`registered_at` is seconds since the epoch, for people; leases live on the monotonic clock, elsewhere."""

    id: str
    service: str
    machine: str
    url: str
    health_url: str
    capabilities: tuple[str, ...]
    lease_seconds: int
    metadata: Mapping[str, Any]
    registered_at: float

    @property
    def key(self) -> Key:
        return self.service, self.machine


class Kind(StrEnum):
    REGISTERED = "registered"
    EXPIRED = "expired"
    DEREGISTERED = "deregistered"
    CONFIRMED = "confirmed"  # kept from an earlier life and now renewed: of interest to what keeps, to nobody else


@dataclass(frozen=True)
class Change:
    """`replaced` is the registration whose place a new one took; nothing else is told of it."""

    kind: Kind
    registration: Registration
    at: float
    replaced: Registration | None = None
