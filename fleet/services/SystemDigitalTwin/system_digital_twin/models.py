"""What the API gives."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, Field

from system_digital_twin.core.needs import Resource
from system_digital_twin.declared import Box
from system_digital_twin.report import Card, Cpu, Disk, Memory
from system_digital_twin.sight import State

Fits = bool | Literal["unknown"]


class Claimed(BaseModel):
    """The sum of what is declared to run there needs at most; null where a part of it is not told."""

    instances: int
    memory_mb: int | None
    gpu_memory_mb: int | None
    cpus: float | None


class Instance(BaseModel):
    """Declared needs and present use of one instance; null is not known."""

    service: str
    desired: bool = Field(description="whether it is declared to run there")
    running: bool | None = Field(description="null while the machine does not answer")
    memory_mb: int | None = Field(description="at most, as declared")
    gpu_memory_mb: int | None = Field(description="as declared")
    cpus: float | None = Field(description="at most, as declared")
    memory_used_mb: float | None
    gpu_memory_used_mb: float | None = Field(description="null as long as no supervisor can tell it")
    cpu_used_pct: float | None = Field(description="of one core")


class Live(BaseModel):
    """The last answer of the machine's supervisor."""

    at: datetime
    age_seconds: float
    cpu: Cpu
    memory: Memory
    disk: Disk
    gpus: list[Card] | None = Field(description="null when nothing is known of them; gpus_reason says why")
    gpus_reason: str | None


class Machine(BaseModel):
    machine: str
    state: State
    since: datetime = Field(description="since when it is in this state")
    why: str = Field(description="why it is not live; empty when it is")
    declared: Box | None
    claimed: Claimed
    complete: bool = Field(description="whether all that is desired there is told here")
    live: Live | None = Field(description="null when it never answered")
    instances: list[Instance]
    warnings: list[str]


class MachineWithMetrics(Machine):
    metrics: list[str] = Field(description="what its history can be asked for")


class Machines(BaseModel):
    at: datetime
    declared_at: datetime | None = Field(description="when what is declared was written")
    machines: list[Machine]


class PointView(BaseModel):
    at: datetime = Field(description="its begin")
    count: int
    min: float
    mean: float
    max: float


class HistoryView(BaseModel):
    machine: str
    metric: str
    since: datetime
    until: datetime
    seconds: int = Field(description="width of a point")
    points: list[PointView] = Field(description="without those in which nothing was measured")


class ResourceView(BaseModel):
    """MB, or CPUs. Of an amount that is not exactly known, used_after is null and the bounds say what is known."""

    resource: Resource
    fits: Fits
    hard: bool = Field(description="false: it only warns")
    why: str = Field(description="empty when it fits")
    capacity: float | None
    reserve: float
    used_before: float | None
    used_after: float | None
    used_after_at_least: float
    used_after_at_most: float | None
    free_after: float | None = Field(description="of the capacity, the reserve not taken off")


class ClaimView(BaseModel):
    service: str
    kind: str = Field(description="port or health_port")


class ConflictView(BaseModel):
    port: int
    claims: list[ClaimView]
    why: str


class MachineFit(BaseModel):
    machine: str
    fits: Fits
    resources: list[ResourceView]
    port_conflicts: list[ConflictView]


class RemovalView(BaseModel):
    """Without these instances the machine holds the rest."""

    machine: str
    remove: list[str]


class ElsewhereView(BaseModel):
    """Placed there instead, the instance fits, and so does the rest."""

    service: str
    machine: str
    instead_of: str


class Suggestions(BaseModel):
    removals: list[RemovalView]
    elsewhere: list[ElsewhereView]


class Simulation(BaseModel):
    fits: Fits
    fits_before: Fits = Field(description="whether the same machines hold what is there before the change")
    against: Literal["declared", "live"]
    at: datetime
    breaks: list[str] = Field(description="the limits that are broken, with figures")
    unknown: list[str] = Field(description="what would have to be known")
    warnings: list[str]
    machines: list[MachineFit]
    suggestions: Suggestions | None = Field(description="null when none were asked for, or it does not need any")


def utc(wall: float) -> datetime:
    return datetime.fromtimestamp(wall, UTC)
