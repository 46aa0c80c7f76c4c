"""How much is kept and how much is taken. Whoever runs the bus changes it through the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

PREFIX: Final = "CENTRAL_ERROR_BUS_"
MEBI: Final = 1024 * 1024
DISK_BYTES: Final = 64 * MEBI  # at least: one commit may bring several MiB before the oldest errors go


@dataclass(frozen=True, slots=True)
class Limits:
    """Of what is kept, the oldest goes first. `disk_bytes` is for the database and its write-ahead log together."""

    errors: int = 100_000
    groups: int = 5_000
    disk_bytes: int = 256 * MEBI
    group_machines: int = 64
    queue_requests: int = 256  # requests that wait for a commit
    queue_bytes: int = 8 * MEBI
    transaction: int = 1_000  # errors after which a commit takes no more requests along
    recent: int = 512  # errors kept in memory for those who listen
    recent_bytes: int = MEBI
    readings: int = 32  # questions to the store that run or wait
    reading_seconds: float = 2.0

    @property
    def wal_pages(self) -> int:
        """Pages in the write-ahead log at which it is emptied into the database."""
        return max(64, min(1_000, self.disk_bytes // 16 // 4096))

    @property
    def database_bytes(self) -> int:
        """Pages in use; the rest is left to the log and to what one commit adds before it removes the oldest."""
        return self.disk_bytes * 3 // 4

    @property
    def span_errors(self) -> int:
        """Errors of one search index; the index goes as a whole when its last error has gone."""
        return max(64, self.errors // 8)

    @property
    def span_bytes(self) -> int:
        return max(64 * 1024, self.disk_bytes // 16)


def from_environment(environment: Mapping[str, str]) -> Limits:
    """CENTRAL_ERROR_BUS_ERRORS=20000 and so on. Raises ValueError where a limit is no positive number."""
    changed: dict[str, int] = {}
    for one in fields(Limits):
        given = environment.get(PREFIX + one.name.upper())
        if given is None or one.type == "float":
            continue
        least = DISK_BYTES if one.name == "disk_bytes" else 1
        if not given.isdecimal() or not least <= int(given) < 2**40:
            raise ValueError(f"{PREFIX}{one.name.upper()} is no number from {least} on: {given[:40]!r}")
        changed[one.name] = int(given)
    return Limits(**changed)
