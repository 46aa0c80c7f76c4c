"""The machine's state for GET /v1/machine: the host, its cards, and what each instance uses."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from self_healing_supervisor import host
from self_healing_supervisor.core.facts import Shape
from self_healing_supervisor.gpu import Nvml
from self_healing_supervisor.stats import Stats, Use
from self_healing_supervisor.world import World

FRESH = 2.0


class MachineFacts:
    """Everything is read at most every FRESH seconds, however often it is asked for."""

    def __init__(self, world: World, stats: Stats, folder: Path) -> None:
        self._world = world
        self._stats = stats
        self._folder = folder
        self._processors = host.Processors()
        self._nvml = Nvml()
        self._lock = asyncio.Lock()
        self._read_at = float("-inf")
        self._host: dict[str, Any] = {}

    def _read(self) -> dict[str, Any]:
        gpus = self._nvml.read()
        return {
            "cpu": self._processors.read(),
            "memory": host.memory_mb(host.MEMINFO.read_text()),
            "disk": host.disk_mb(self._folder),
            "gpus": gpus.cards,
            "gpus_reason": gpus.reason,
        }

    async def read(self) -> dict[str, Any]:
        """In the shape of models.Machine. Raises OSError when /proc cannot be read."""
        running = {one.id: name for name, one in self._world.sights.items() if one.id and one.shape is Shape.RUNNING}
        uses = await self._stats.uses(list(running))
        async with self._lock:
            if time.monotonic() - self._read_at >= FRESH:
                self._host = await asyncio.to_thread(self._read)
                self._read_at = time.monotonic()
        rows = [_row(name, uses.get(container)) for container, name in running.items()]
        return {"machine": self._world.machine, "at": time.time(), **self._host, "instances": rows}


def _row(service: str, use: Use | None) -> dict[str, Any]:
    found = use or Use(None, None)
    # Which process on a card belongs to which container can be seen by the host alone: unknown here.
    return {"service": service, "memory_mb": found.memory_mb, "cpu_pct": found.cpu_pct, "gpu_memory_mb": None}
