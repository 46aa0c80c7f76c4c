"""Two machines as they are declared and as their supervisors tell of them."""

from __future__ import annotations

import time
from typing import Any

from system_digital_twin.declared import Declared
from system_digital_twin.report import Report, parse
from system_digital_twin.sight import Sight

MAINPC = {"gpu": "RTX 4090", "gpu_memory_mb": 24564, "gpu_arch": "8.9", "cpus": 32, "memory_mb": 65536}
PC2 = {"gpu": "RTX 3060", "gpu_memory_mb": 12288, "gpu_arch": "8.6", "cpus": 8, "memory_mb": 32768}


def instance(service: str, machine: str, port: int, **more: Any) -> dict[str, Any]:
    needs = {"memory_mb": 1000, "cpus": 1.0, "gpu_memory_mb": 0, "port": port, "health_port": port + 1000}
    return {"service": service, "machine": machine, **needs, **more}


def desired(**more: Any) -> dict[str, Any]:
    """Ears, Mind and Hub on mainpc; Eyes and Hub on pc2."""
    return {
        "machine": "mainpc",
        "written_at": "2026-11-24T18:00:00+00:00",
        "machines": {"mainpc": MAINPC, "pc2": PC2},
        "instances": [
            instance("Hub", "mainpc", 7100, phase="core-infra"),
            instance("Mind", "mainpc", 7101, memory_mb=20000, gpu_memory_mb=16000, depends=["Hub"]),
            instance("Ears", "mainpc", 7102, gpu_memory_mb=2000),
        ],
        "elsewhere": [
            instance("Hub", "pc2", 7100, phase="core-infra"),
            instance("Eyes", "pc2", 7103, memory_mb=4000, gpu_memory_mb=6000),
        ],
        "left_out": [{"service": "Voice", "machine": "pc2", "why": "not implemented yet"}],
        **more,
    }


def declared(**more: Any) -> Declared:
    return Declared.model_validate(desired(**more))


def card(index: int = 0, used: int = 1000, total: int = 12288) -> dict[str, Any]:
    found = {"index": index, "name": "NVIDIA GeForce RTX 3060", "memory_total_mb": total, "memory_used_mb": used}
    return {**found, "busy_pct": 12.0, "temperature_c": 51}


def use(service: str, **more: Any) -> dict[str, Any]:
    return {"service": service, "memory_mb": 300.5, "cpu_pct": 4.0, "gpu_memory_mb": None, **more}


def answer(machine: str = "pc2", **more: Any) -> dict[str, Any]:
    """What GET /v1/machine of a supervisor says."""
    return {
        "machine": machine,
        "at": "2026-11-24T18:00:00Z",
        "cpu": {"count": 8, "busy_pct": 25.0},
        "memory": {"total_mb": 32000, "available_mb": 24000},
        "disk": {"total_mb": 500_000, "free_mb": 200_000},
        "gpus": [card()],
        "gpus_reason": None,
        "instances": [use("Hub"), use("Eyes", memory_mb=3500.0)],
        **more,
    }


def report(machine: str = "pc2", **more: Any) -> Report:
    return parse(answer(machine, **more), machine)


def seen(machine: str = "pc2", **more: Any) -> Sight:
    sight = Sight(machine, time.time())
    sight.answered(report(machine, **more), 0.1)
    return sight


def unseen(machine: str = "mainpc", why: str = "connection refused") -> Sight:
    sight = Sight(machine, time.time())
    sight.missed(why)
    return sight
