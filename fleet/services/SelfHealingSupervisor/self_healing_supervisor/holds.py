"""Holds: instances that are left alone, because an operator said so or stopped them. Kept over restarts.

A hold `by` "api" was put there over /v1/holds and stays until it is deleted or its time is over. A hold `by` "stop"
was made when somebody stopped the container through Docker; it ends when somebody starts the container, when the
operator's tool writes a newer desired.json, or when it is deleted. It is written down only after SETTLE seconds: an
engine that shuts down with its host stops every container in the same way, and those must start again with the host.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from self_healing_supervisor.files import write

SETTLE: Final = 20.0
MOST: Final = 500


@dataclass(frozen=True)
class Hold:
    """Times are seconds since the epoch; `until` None: without end."""

    why: str
    by: str
    since: float
    until: float | None = None


class Holds:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: dict[str, Hold] = {}
        self._written: dict[str, Hold] = {}

    def load(self) -> None:
        """Blocking. A file that is missing or broken holds nothing."""
        try:
            rows = json.loads(self._path.read_bytes())
            self._held = {name: Hold(**row) for name, row in rows.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            self._held = {}
        self._written = dict(self._held)

    def get(self, service: str) -> Hold | None:
        return self._held.get(service)

    def all(self) -> dict[str, Hold]:
        return dict(self._held)

    def put(self, service: str, hold: Hold) -> None:
        if service in self._held or len(self._held) < MOST:
            self._held[service] = hold

    def lift(self, service: str) -> Hold | None:
        return self._held.pop(service, None)

    def expired(self, now: float) -> list[str]:
        """Takes away the holds whose time is over; their names."""
        over = [name for name, hold in self._held.items() if hold.until is not None and hold.until <= now]
        for name in over:
            del self._held[name]
        return over

    def unwritten(self, now: float) -> dict[str, Hold] | None:
        """What the file should say, or None when it says so already."""
        settled = {n: hold for n, hold in self._held.items() if hold.by != "stop" or now - hold.since >= SETTLE}
        return settled if settled != self._written else None

    def save(self, holds: dict[str, Hold]) -> None:
        """Blocking. Raises OSError."""
        write(self._path, json.dumps({name: asdict(hold) for name, hold in holds.items()}).encode())
        self._written = holds
