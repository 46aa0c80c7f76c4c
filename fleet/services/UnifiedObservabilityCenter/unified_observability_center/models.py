"""What the API takes and gives about instances, reports and events."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

from unified_observability_center.core.health import State
from unified_observability_center.words import DIGEST, KIND, MACHINE_NAME, SERVICE_NAME

ServiceName = Annotated[str, Field(pattern=f"^{SERVICE_NAME}$")]
MachineName = Annotated[str, Field(pattern=f"^{MACHINE_NAME}$")]
Digest = Annotated[str, Field(pattern=f"^{DIGEST}$")]
Port = Annotated[int, Field(ge=1, le=65535)]
Text = Annotated[str, Field(max_length=300)]
Match = bool | Literal["unknown"]


class StartupReport(BaseModel):
    """What an instance tells when it starts. More than this is passed over."""

    service: ServiceName
    machine: MachineName
    git_sha: Text
    tag: Text
    input_digest: Text
    sbom_digest: Digest | None = None
    family: Text = ""
    profile: Annotated[dict[str, Any], Field(max_length=100)] = Field(default_factory=dict)
    port: Port
    health_port: Port
    started_at: AwareDatetime


class StartupTaken(BaseModel):
    sbom_wanted: bool = Field(description="whether the SBOM of that digest is not here yet: PUT /v1/sboms/{digest}")


class EventReport(BaseModel):
    kind: Annotated[str, Field(pattern=f"^{KIND}$")]
    machine: MachineName
    service: ServiceName
    at: AwareDatetime
    detail: dict[str, Any] = Field(default_factory=dict, description="what is too long is cut, not refused")


class EventsTaken(BaseModel):
    """Answered when the events are on the disk. The same event, sent again, is kept once."""

    accepted: int


class EventView(BaseModel):
    id: int
    kind: str
    machine: str
    service: str
    at: datetime
    detail: dict[str, Any]


class EventList(BaseModel):
    events: list[EventView] = Field(description="newest first")
    next: int | None = Field(description="the cursor of the next page; null when this is the last")


class TransitionView(BaseModel):
    """`from` is unknown when the instance was seen for the first time."""

    id: int
    machine: str
    service: str
    before: State = Field(serialization_alias="from")
    after: State = Field(serialization_alias="to")
    at: datetime
    why: str


class TransitionList(BaseModel):
    transitions: list[TransitionView] = Field(description="newest first")
    next: int | None = Field(description="the cursor of the next page; null when this is the last")


class ReasonView(BaseModel):
    check: str
    reason: str


class HealthView(BaseModel):
    state: State
    reasons: list[ReasonView]
    seconds: float | None = Field(description="how long the last answer took")
    misses: int = Field(description="questions in a row that were not answered")
    answered_at: datetime | None


class MismatchView(BaseModel):
    what: str
    desired: str
    reported: str


class DesiredView(BaseModel):
    """The instance's row in desired.json, as far as it is known here."""

    address: str
    port: int | None
    health_port: int
    family: str
    phase: str
    git_sha: str
    tag: str
    input_digest: str
    sbom_digest: str
    image: str
    image_digest: str
    depends: list[str]
    start_seconds: float
    memory_mb: int | None
    cpus: float | None
    gpu_memory_mb: int | None


class ReportedView(BaseModel):
    """What the instance says of itself; a text is empty when it does not say."""

    at: datetime
    service: str
    machine: str
    family: str
    git_sha: str
    tag: str
    input_digest: str
    sbom_digest: str
    sbom_kept: bool
    profile: dict[str, Any]


class InstanceView(BaseModel):
    service: str
    machine: str
    desired: DesiredView | None = Field(description="null: it runs, or ran, without being desired")
    reported: ReportedView | None = Field(description="null: it has not said yet what it is")
    health: HealthView | None = Field(description="null: it is not asked, no address being known")
    since: datetime | None = Field(description="since when it is in its state")
    started_at: datetime | None
    match: Match = Field(description="whether what runs is what was released")
    match_why: str
    mismatches: list[MismatchView]
    restarts: int = Field(description="by its supervisor, as far as it has told")


class InstanceWithPast(InstanceView):
    transitions: list[TransitionView] = Field(description="newest first")
    events: list[EventView] = Field(description="newest first")


class LeftOutView(BaseModel):
    service: str
    machine: str
    why: str


class Instances(BaseModel):
    at: datetime
    machine: str | None = Field(description="whose desired.json this is; null while none has been read")
    written_at: datetime | None
    git_sha: str
    tag: str
    desired_problem: str = Field(description="why desired.json cannot be read; empty when it can")
    instances: list[InstanceView]
    extra: list[InstanceView]
    left_out: list[LeftOutView]


class TargetGroup(BaseModel):
    """As Prometheus' HTTP service discovery wants it."""

    targets: list[str]
    labels: dict[str, str]
