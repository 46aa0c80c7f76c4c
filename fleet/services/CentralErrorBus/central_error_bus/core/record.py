"""An error on its way in, and as it is kept. Moments are microseconds since 1970 in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LEVELS: Final = ("debug", "info", "warning", "error", "critical")


@dataclass(frozen=True, slots=True)
class Incoming:
    """Clean and bounded. `id` is the publisher's own name for it, the same when it is sent again."""

    service: str
    machine: str
    at: int
    level: str
    kind: str
    message: str
    trace: str = ""
    context: str = "{}"  # JSON
    cut: str = ""  # names of what was too long to be kept whole
    id: str | None = None

    @property
    def size(self) -> int:
        """Characters, near enough to bytes for what it bounds."""
        return len(self.message) + len(self.trace) + len(self.context) + 200


@dataclass(frozen=True, slots=True)
class Kept:
    """`number` counts all errors of a store; none is given twice."""

    number: int
    received_at: int
    group: str
    opened: str  # "new": the first of its group; "reopened": the first after the group was resolved; or ""
    error: Incoming
