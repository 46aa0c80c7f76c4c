"""How long the instances' starts took, so that a start is not cut off that always takes so long."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from self_healing_supervisor.files import write

KEPT: Final = 5
ROOM: Final = 2.0  # a start may take so many times its longest remembered one
MOST: Final = 500


class Boots:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._took: dict[str, list[float]] = {}
        self.changed = False

    def load(self) -> None:
        """Blocking. A file that is missing or broken tells nothing."""
        try:
            rows = json.loads(self._path.read_bytes())
            self._took = {str(name): [float(one) for one in took][-KEPT:] for name, took in rows.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            self._took = {}

    def took(self, service: str, seconds: float) -> None:
        if service in self._took or len(self._took) < MOST:
            self._took[service] = [*self._took.get(service, []), round(seconds, 1)][-KEPT:]
            self.changed = True

    def deadline(self, service: str, declared: float | None, default: float) -> float:
        """Seconds: the declared deadline (or `default`), or more when earlier starts took long."""
        return max(declared or default, ROOM * max(self._took.get(service, [0.0])))

    def save(self) -> None:
        """Blocking. Raises OSError."""
        self.changed = False
        write(self._path, json.dumps(self._took).encode())
