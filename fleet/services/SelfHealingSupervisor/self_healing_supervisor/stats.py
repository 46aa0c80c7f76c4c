"""Memory and CPU of containers out of the engine's statistics, asked for at most every FRESH seconds."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Final

from self_healing_supervisor.docker import Denied, Docker
from self_healing_supervisor.http1 import Unanswered

FRESH: Final = 2.0
BASE: Final = 0.5  # the shortest stretch over which CPU use is told
STALE: Final = 120.0
AT_ONCE: Final = 4
MIB: Final = 1024 * 1024


def memory_mb(stats: dict[str, Any]) -> float | None:
    """MiB in use without the page cache that could go at once, as `docker stats` counts."""
    memory = stats.get("memory_stats") or {}
    usage = memory.get("usage")
    if not isinstance(usage, int):
        return None
    parts = memory.get("stats") or {}
    cache = parts.get("inactive_file", parts.get("total_inactive_file", 0))
    return round(max(0, usage - int(cache)) / MIB, 1)


def cpu_seconds(stats: dict[str, Any]) -> float | None:
    used = ((stats.get("cpu_stats") or {}).get("cpu_usage") or {}).get("total_usage")
    if not isinstance(used, int):
        return None
    return used / 1_000_000_000


@dataclass(frozen=True)
class Use:
    """`cpu_pct` is of one core; None: not known (yet)."""

    memory_mb: float | None
    cpu_pct: float | None


@dataclass(frozen=True)
class _Sample:
    at: float
    cpu: float | None
    memory: float | None


class Stats:
    """Uses of containers by id. The first question takes BASE seconds longer, for a difference to be there."""

    def __init__(self, docker: Docker) -> None:
        self._docker = docker
        self._samples: dict[str, _Sample] = {}
        self._uses: dict[str, Use] = {}
        self._asked_at = float("-inf")
        self._lock = asyncio.Lock()
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def uses(self, ids: list[str]) -> dict[str, Use]:
        async with self._lock:
            if time.monotonic() - self._asked_at >= FRESH or not set(ids) <= self._uses.keys():
                now = time.monotonic()
                fresh = {i: s for i, s in self._samples.items() if i in ids and now - s.at < STALE}
                if set(ids) - fresh.keys():
                    fresh |= await self._sample(ids)
                    await asyncio.sleep(BASE)
                later = await self._sample(ids)
                self._uses = {one: _use(fresh.get(one), later[one]) for one in later}
                self._samples, self._asked_at = later, time.monotonic()
            return dict(self._uses)

    async def _sample(self, ids: list[str]) -> dict[str, _Sample]:
        found = await asyncio.gather(*(self._one(one) for one in ids))
        return {one: sample for one, sample in zip(ids, found, strict=True) if sample is not None}

    async def _one(self, container: str) -> _Sample | None:
        async with self._gate:
            try:
                stats = await self._docker.stats(container)
            except (Unanswered, Denied):
                return None
            return _Sample(time.monotonic(), cpu_seconds(stats), memory_mb(stats))


def _use(before: _Sample | None, after: _Sample) -> Use:
    if before is None or before.cpu is None or after.cpu is None or after.at <= before.at:
        return Use(after.memory, None)
    return Use(after.memory, round(max(0.0, 100 * (after.cpu - before.cpu) / (after.at - before.at)), 1))
