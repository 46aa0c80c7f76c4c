"""What a single process tells on its health port."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any, Final

from prometheus_client import generate_latest

from servicekit.probe import Probe, Reasons
from servicekit.service import Service

SBOM_BYTES: Final = 64 * 1024 * 1024


def sbom_digest(path: Path) -> str | None:
    """ "sha256:…" of the image's bill of materials, or None when the image has none."""
    try:
        if path.stat().st_size > SBOM_BYTES:
            return None
        return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def health(service: Service, reasons: Reasons) -> dict[str, Any]:
    found: dict[str, Any] = {"status": "unhealthy" if reasons else "ok"}
    if reasons:
        found["reasons"] = reasons
    return {**found, "service": service.name, "machine": service.machine, "started_at": service.started_at}


def info(service: Service, version: str, workers: int) -> dict[str, Any]:
    build = {key: service.build.get(key) for key in ("service", "machine", "family", "git_sha", "tag", "input_digest")}
    ours = {
        **build,
        "sbom_digest": sbom_digest(service.settings.sbom),
        "profile": dict(service.profile),
        "started_at": service.started_at,
        "workers": workers,
        "kit": version,
    }
    return {**service.facts, **ours}


class Facts:
    """Implements health.Told."""

    def __init__(self, probe: Probe, version: str) -> None:
        self._probe = probe
        self._service = probe.service
        self._version = version

    async def health(self) -> dict[str, Any]:
        return health(self._service, await self._probe.reasons())

    async def metrics(self) -> bytes:
        return await asyncio.to_thread(generate_latest, self._service.metrics)

    async def info(self) -> dict[str, Any]:
        return await asyncio.to_thread(info, self._service, self._version, 1)
