"""What the API takes and gives."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field

from service_registry import checks

ServiceName = Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]{1,59}$")]
MachineName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
Capability = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/+-]{0,63}$")]
Url = Annotated[
    str, Field(min_length=1, max_length=300, json_schema_extra={"format": "uri"}), AfterValidator(checks.url)
]


class Wish(BaseModel):
    """Who registers. Fields that this version does not know are ignored: services are newer or older than this one."""

    service: ServiceName
    machine: MachineName
    url: Url = Field(description="where its API is reached: http or https, host, port")
    health_url: Url = Field(description="where its health port is reached")
    capabilities: list[Capability] = Field(default=[], max_length=32)
    lease_seconds: int = Field(15, ge=1, le=3600, description="it is forgotten when it does not renew for so long")
    metadata: Annotated[dict[str, Any], AfterValidator(checks.metadata)] = Field(
        default={},
        description=f"at most {checks.METADATA_BYTES} bytes as JSON, {checks.METADATA_DEPTH} levels deep",
    )


class Record(BaseModel):
    """A registration. `id` changes whenever the service registers anew."""

    id: str
    service: str
    machine: str
    url: str
    health_url: str
    capabilities: list[str]
    lease_seconds: int
    metadata: dict[str, Any]
    registered_at: datetime


class View(Record):
    """A registration at the moment of the answer."""

    expires_at: datetime = Field(description="when it is forgotten unless it renews")
    late: bool = Field(description="more than two thirds of its lease are over: it has missed a renewal")


class Registrations(BaseModel):
    registrations: list[View]


class Candidates(BaseModel):
    """In the order in which to try them: those in time before those that are late, the preferred machine first."""

    service: str
    candidates: list[View]


class Snapshot(BaseModel):
    """The data of `event: snapshot`: everything that the watcher asked about, in place of all it knew before."""

    part: int = Field(description="from 1; with 1 the watcher forgets what it knew")
    more: bool = Field(description="another part follows; only the last has an id")
    registrations: list[Record]


class Told(BaseModel):
    """The data of `event: registered`, `expired` and `deregistered`."""

    at: datetime
    registration: Record
    instead_of: str | None = Field(description="the id whose place this registration took")


def utc(wall: float) -> datetime:
    return datetime.fromtimestamp(wall, UTC)
