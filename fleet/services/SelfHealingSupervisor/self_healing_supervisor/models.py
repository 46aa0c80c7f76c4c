"""What the API takes and gives."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class HoldWish(BaseModel):
    """Why an instance is to be left alone, and until when (without end when not given)."""

    model_config = ConfigDict(extra="forbid")
    why: str = Field(min_length=1, max_length=300)
    until: AwareDatetime | None = None


class HoldView(BaseModel):
    service: str
    why: str
    by: str = Field(description="api: put there over this API; stop: somebody stopped the container through Docker")
    since: datetime
    until: datetime | None


class FaultView(BaseModel):
    kind: str
    next_attempt: datetime | None = Field(description="null while the breaker is open or an act is under way")


class InstanceView(BaseModel):
    service: str
    machine: str
    container: str
    state: str
    since: datetime
    shape: str = Field(description="what the engine says of the container")
    health: str = Field(description="what its health port says")
    detail: str = Field(description="the last health answer, in one line")
    misses: int
    fault: FaultView | None
    restarts: int = Field(description="acts since the supervisor started")
    failures: int = Field(description="acts in a row without a stable phase")
    breaker: str
    breaker_until: datetime | None
    boot_deadline_seconds: float
    hold: HoldView | None


class Engine(BaseModel):
    connected: bool
    problem: str


class Instances(BaseModel):
    machine: str
    at: datetime
    engine: Engine
    instances: list[InstanceView]


class EvidenceHead(BaseModel):
    id: str
    at: str
    service: str
    machine: str
    image: str | None = Field(default=None, description="what its container was asked to run")
    kind: str
    remedy: str
    attempt: int
    why: str
    exit_code: int | None
    oom_killed: bool
    outcome: dict[str, Any] | None


class EvidenceList(BaseModel):
    evidence: list[EvidenceHead]


class EvidenceView(EvidenceHead):
    container: str
    container_id: str
    engine_error: str
    memory_mb: float | None
    answers: list[dict[str, Any]]
    logs: list[str]
    evidence_error: str | None = None


class AttemptView(BaseModel):
    name: str
    services: list[str]
    touched: list[str]
    going_back: bool
    why: str


class FollowView(BaseModel):
    machine: str
    registry: str = Field(description="empty: the operator named none, and only approved images run here")
    wanted: str = Field(description="latest, or a release by name")
    registry_problem: str = Field(description="empty while it answers")
    release: str = Field(description="the one that was brought here; empty: what the operator rolled out")
    images: dict[str, str] = Field(description="service -> digest, where it is not what the operator rolled out")
    forced: dict[str, str] = Field(description="service -> tag, by FORCE_IMAGE_TAG")
    attempt: AttemptView | None
    watched_until: datetime | None = Field(description="until then what was brought goes back when it cannot hold")
    failed: dict[str, str] = Field(description="what is not tried again -> why")
    waiting: str = Field(description="why nothing is done just now")
    problem: str


class Cpu(BaseModel):
    count: int
    busy_pct: float | None


class Memory(BaseModel):
    total_mb: int
    available_mb: int


class Disk(BaseModel):
    total_mb: int
    free_mb: int


class Gpu(BaseModel):
    index: int
    name: str
    memory_total_mb: int
    memory_used_mb: int
    busy_pct: float | None
    temperature_c: float | None


class InstanceUse(BaseModel):
    service: str
    memory_mb: float | None
    cpu_pct: float | None = Field(description="of one core")
    gpu_memory_mb: float | None


class Machine(BaseModel):
    machine: str
    at: datetime
    cpu: Cpu
    memory: Memory
    disk: Disk
    gpus: list[Gpu] | None = Field(description="null when nothing is known of them; gpus_reason says why")
    gpus_reason: str | None
    instances: list[InstanceUse]


def utc(wall: float) -> datetime:
    return datetime.fromtimestamp(wall, UTC)
