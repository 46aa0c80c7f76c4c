"""The host's processors, memory and disk. /proc in a container tells of the whole host."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

STAT: Final = Path("/proc/stat")
MEMINFO: Final = Path("/proc/meminfo")
_IDLE: Final = (3, 4)  # idle, iowait


@dataclass(frozen=True)
class Ticks:
    total: int
    idle: int


def ticks(stat: str) -> Ticks:
    """Of all processors together, from /proc/stat's first line. Raises ValueError."""
    name, *numbers = stat.partition("\n")[0].split()
    if name != "cpu" or len(numbers) < 5:
        raise ValueError("not a /proc/stat")
    counts = [int(number) for number in numbers[:8]]  # guest time is in user time already
    return Ticks(sum(counts), sum(counts[place] for place in _IDLE))


def busy_pct(before: Ticks, after: Ticks) -> float | None:
    """Of all processors together, 0 to 100; None when no time went by."""
    total = after.total - before.total
    return round(100 * (1 - (after.idle - before.idle) / total), 1) if total > 0 else None


def processors(stat: str) -> int:
    return sum(line.startswith("cpu") for line in stat.splitlines()) - 1


def memory_mb(meminfo: str) -> dict[str, int]:
    """MiB: total_mb and available_mb. Raises KeyError, ValueError."""
    rows = {
        name: int(rest.split()[0]) for name, _, rest in (row.partition(":") for row in meminfo.splitlines()) if rest
    }
    return {"total_mb": rows["MemTotal"] // 1024, "available_mb": rows["MemAvailable"] // 1024}


def disk_mb(folder: Path) -> dict[str, int]:
    """MiB of the file system that holds `folder`: total_mb, and free_mb for those who are not root."""
    facts = os.statvfs(folder)
    block = facts.f_frsize
    return {"total_mb": facts.f_blocks * block // 2**20, "free_mb": facts.f_bavail * block // 2**20}


class Processors:
    """Busyness between two readings; the first reading compares with the moment of its making."""

    def __init__(self) -> None:
        self._last = ticks(STAT.read_text())
        self._busy: float | None = None

    def read(self) -> dict[str, int | float | None]:
        text = STAT.read_text()
        now = ticks(text)
        if now.total - self._last.total >= 50:
            self._busy, self._last = busy_pct(self._last, now), now
        return {"count": processors(text), "busy_pct": self._busy}
