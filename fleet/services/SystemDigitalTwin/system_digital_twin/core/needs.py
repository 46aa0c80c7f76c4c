"""What instances need, and which instances there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from system_digital_twin.core.span import Span


class Resource(StrEnum):
    """Memory, GPU memory and disk are counted in MB, CPUs in thousandths."""

    MEMORY = "memory"
    GPU_MEMORY = "gpu_memory"
    DISK = "disk"
    CPU = "cpu"


@dataclass(frozen=True)
class Needs:
    """A GPU need of at least 1 without an upper bound: needs a card, nobody said how much of it."""

    memory: Span
    gpu_memory: Span
    disk: Span
    cpu: Span
    port: int | None  # None: nobody said which
    health_port: int | None

    def of(self, resource: Resource) -> Span:
        match resource:
            case Resource.MEMORY:
                return self.memory
            case Resource.GPU_MEMORY:
                return self.gpu_memory
            case Resource.DISK:
                return self.disk
            case Resource.CPU:
                return self.cpu


@dataclass(frozen=True, order=True)
class Key:
    """One instance: one service on one machine."""

    service: str
    machine: str

    def __str__(self) -> str:
        return f"{self.service} on {self.machine}"


Placed = Mapping[Key, Needs]
OnMachine = Mapping[str, Needs]


def on(placed: Placed, machine: str) -> dict[str, Needs]:
    """By service."""
    return {key.service: needs for key, needs in placed.items() if key.machine == machine}
