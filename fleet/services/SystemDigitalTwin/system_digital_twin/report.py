"""What a machine's SelfHealingSupervisor says of it on GET /v1/machine."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, ValidationError

from system_digital_twin.words import Heard, MachineName, Megabytes, Percent, ServiceName, first_fault

Text = Annotated[str, Field(max_length=300)]
Use = Annotated[float, Field(ge=0, le=2**40)]


class Cpu(Heard):
    count: Annotated[int, Field(ge=1, le=100_000)]
    busy_pct: Percent | None


class Memory(Heard):
    total_mb: Megabytes
    available_mb: Megabytes

    @property
    def used_mb(self) -> int:
        return max(0, self.total_mb - self.available_mb)


class Disk(Heard):
    total_mb: Megabytes
    free_mb: Megabytes

    @property
    def used_mb(self) -> int:
        return max(0, self.total_mb - self.free_mb)


class Card(Heard):
    index: Annotated[int, Field(ge=0, le=63)]
    name: Text
    memory_total_mb: Megabytes
    memory_used_mb: Megabytes
    busy_pct: Percent | None
    temperature_c: Annotated[float, Field(ge=-1000, le=10_000)] | None


class InstanceUse(Heard):
    """What an instance that runs uses; None is not known."""

    service: ServiceName
    memory_mb: Use | None
    cpu_pct: Percent | None
    gpu_memory_mb: Use | None


class Report(Heard):
    machine: MachineName | Annotated[str, Field(max_length=0)]  # empty: it has not read yet where it is
    cpu: Cpu
    memory: Memory
    disk: Disk
    gpus: Annotated[tuple[Card, ...], Field(max_length=64)] | None
    gpus_reason: Text | None
    instances: Annotated[tuple[InstanceUse, ...], Field(max_length=500)]

    def uses(self) -> dict[str, InstanceUse]:
        return {one.service: one for one in self.instances}


def parse(said: Any, asked: str) -> Report:
    """Raises ValueError, saying what is wrong."""
    try:
        report = Report.model_validate(said)
    except ValidationError as error:
        raise ValueError(f"the answer is not a machine's: {first_fault(error)}") from error
    if report.machine not in ("", asked):
        raise ValueError(f"it says that it is {report.machine}")
    return report


def samples(report: Report, services: frozenset[str]) -> dict[str, float]:
    """Figures for the history by metric; of instances those of `services`."""
    found: dict[str, float | None] = {
        "cpu_busy_pct": report.cpu.busy_pct,
        "memory_used_mb": report.memory.used_mb,
        "disk_used_mb": report.disk.used_mb,
    }
    for card in report.gpus or ():
        found[f"gpu{card.index}_memory_used_mb"] = card.memory_used_mb
        found[f"gpu{card.index}_busy_pct"] = card.busy_pct
        found[f"gpu{card.index}_temperature_c"] = card.temperature_c
    for one in report.instances:
        if one.service in services:
            found[f"{one.service}.memory_mb"] = one.memory_mb
            found[f"{one.service}.cpu_pct"] = one.cpu_pct
            found[f"{one.service}.gpu_memory_mb"] = one.gpu_memory_mb
    return {metric: float(value) for metric, value in found.items() if value is not None}
