"""What a single process tells of itself on its health port."""

from __future__ import annotations

import asyncio
import functools
import hashlib
from pathlib import Path
from typing import Any, Final

from prometheus_client import Gauge, Info, ProcessCollector, disable_created_metrics, generate_latest

from servicekit.probe import Probe, Reasons
from servicekit.service import Service
from servicekit.version import VERSION

CHUNK_BYTES: Final = 256 * 1024
BUILD: Final = ("service", "machine", "family", "git_sha", "tag", "input_digest")

disable_created_metrics()  # type: ignore[no-untyped-call]  # as many series again, that nothing here reads


@functools.lru_cache(maxsize=1)  # an image does not change under its process
def sbom_digest(path: Path) -> str | None:
    """'sha256:…' of the image's bill of materials, or None when the image has none."""
    found = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                found.update(chunk)
    except OSError:
        return None
    return f"sha256:{found.hexdigest()}"


def health(service: Service, reasons: Reasons) -> dict[str, Any]:
    found: dict[str, Any] = {"status": "unhealthy", "reasons": reasons} if reasons else {"status": "ok"}
    return {**found, "service": service.name, "machine": service.machine, "started_at": service.started_at}


def info(service: Service, facts: dict[str, Any], workers: int) -> dict[str, Any]:
    """`facts` are the service's own; they replace none of ours."""
    ours = {
        **{key: service.build.get(key) for key in BUILD},
        "sbom_digest": sbom_digest(service.settings.sbom),
        "profile": dict(service.profile),
        "started_at": service.started_at,
        "workers": workers,
        "kit": VERSION,
    }
    return {**facts, **ours}


class Facts:
    """Implements health.Told."""

    def __init__(self, probe: Probe) -> None:
        self.probe = probe
        self.service = probe.service
        registry = self.service.metrics
        ProcessCollector(registry=registry)
        self._healthy = Gauge("service_healthy", "1 when /health answers 200", registry=registry)
        Info("service_build", "What runs here", registry=registry).info(
            {key: str(self.service.build.get(key)) for key in BUILD}
        )

    async def health(self) -> dict[str, Any]:
        return health(self.service, await self.probe.reasons())

    async def metrics(self) -> bytes:
        """Collected on the service's loop, as collectors read what changes there; beside it when the loop is stuck."""
        reasons = await self.probe.reasons()
        self._healthy.set(0 if reasons else 1)
        if {one["check"] for one in reasons} & {"loop", "phase"}:
            return await asyncio.to_thread(generate_latest, self.service.metrics)
        return await self.probe.on_loop(lambda: generate_latest(self.service.metrics))

    async def info(self) -> dict[str, Any]:
        return await asyncio.to_thread(info, self.service, self.service.facts, 1)
