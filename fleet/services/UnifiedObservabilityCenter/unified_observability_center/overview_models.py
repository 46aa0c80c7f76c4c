"""What GET /v1/overview gives: everything that the page shows, and no more."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from unified_observability_center.core.health import State
from unified_observability_center.core.incidents import Outcome
from unified_observability_center.core.verdict import Level
from unified_observability_center.models import LeftOutView, Match, MismatchView, ReasonView, TransitionView


class VerdictView(BaseModel):
    level: Level
    text: str
    notes: list[str]
    since: datetime | None = Field(description="when an instance changed last")


class CardView(BaseModel):
    name: str
    memory_used_mb: float
    memory_total_mb: float
    busy_pct: float | None
    temperature_c: float | None


class MachineView(BaseModel):
    """A figure that is null is not known; `why` says why nothing is."""

    machine: str
    instances: int
    healthy: int
    declared_gpu: str
    declared_cpus: int | None
    declared_memory_mb: int | None
    why: str
    cpus: float | None
    cpu_busy_pct: float | None
    memory_used_mb: float | None
    memory_total_mb: float | None
    disk_used_mb: float | None
    disk_total_mb: float | None
    gpus: list[CardView] | None
    gpus_why: str
    warnings: list[str]


class SegmentView(BaseModel):
    state: State
    seconds: float


class Row(BaseModel):
    service: str
    machine: str
    phase: str
    family: str
    state: State
    reasons: list[ReasonView]
    since: datetime
    started_at: datetime | None
    git_sha: str = Field(description="as reported; empty when it has not said")
    tag: str
    match: Match
    match_why: str
    mismatches: list[MismatchView]
    restarts: int
    memory_used_mb: float | None
    memory_mb: int | None = Field(description="the limit")
    cpu_pct: float | None = Field(description="of one core")
    seconds: float | None = Field(description="how long the last health answer took")
    port: int | None
    health_port: int
    care: str = Field(description="what its supervisor says of it, where that is more than its health")
    strip: list[SegmentView] = Field(description="the last hour, oldest first")


class ExtraView(BaseModel):
    service: str
    machine: str
    state: State
    since: datetime | None
    git_sha: str
    tag: str
    reported_at: datetime | None


class IncidentView(BaseModel):
    machine: str
    service: str
    at: datetime
    what: str
    why: str
    acts: int
    outcome: Outcome
    seconds: float | None
    evidence: str | None = Field(description="GET /v1/evidence/{id} of the machine's SelfHealingSupervisor")


class GroupView(BaseModel):
    service: str
    kind: str
    level: str
    message: str
    count: int
    first_seen: datetime
    last_seen: datetime
    machines: list[str]


class ErrorsView(BaseModel):
    groups: list[GroupView] | None = Field(description="null when they are not known")
    why: str


class Overview(BaseModel):
    at: datetime
    machine: str
    fleet_git_sha: str
    fleet_tag: str
    written_at: datetime | None
    desired_problem: str
    verdict: VerdictView
    counts: dict[State, int]
    matches: dict[Literal["true", "false", "unknown"], int]
    machines: list[MachineView]
    phases: list[str] = Field(description="in the order of their start")
    instances: list[Row]
    extra: list[ExtraView]
    left_out: list[LeftOutView]
    incidents: list[IncidentView] = Field(description="newest first")
    changes: list[TransitionView] = Field(description="newest first")
    errors: ErrorsView
