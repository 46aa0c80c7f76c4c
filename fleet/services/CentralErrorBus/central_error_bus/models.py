"""What the API takes and gives."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from central_error_bus.core.texts import CONTEXT, MESSAGE, TRACE, clean

_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d")
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
ALIASES: Final = {"warn": "warning", "fatal": "critical"}
KIND: Final = 200
NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
GROUP: Final = r"^[0-9a-f]{32}$"
PLACE: Final = r"^[0-9a-f]{8}-[0-9]{1,18}$"


def micros(moment: datetime) -> int:
    """Microseconds since 1970. Clocks that are off by decades are taken as far as every program can count."""
    found = (moment - EPOCH) // timedelta(microseconds=1)
    return max(0, min(found, 253_370_764_800_000_000))  # the beginning of the year 9999


def utc(moment: int) -> datetime:
    return EPOCH + timedelta(microseconds=moment)


def _rfc3339(value: object) -> object:
    """Seconds since 1970, which pydantic would take too, are more often a mistake."""
    if not isinstance(value, str) or not _RFC3339.match(value):
        raise ValueError("expected a moment as in RFC 3339")
    return value


def _level(value: object) -> object:
    lower = value.lower() if isinstance(value, str) else value
    return ALIASES.get(lower, lower) if isinstance(lower, str) else lower


Moment = Annotated[AwareDatetime, BeforeValidator(_rfc3339)]
Level = Literal["debug", "info", "warning", "error", "critical"]
Name = Annotated[str, Field(pattern=NAME)]
State = Literal["open", "resolved"]
Opened = Literal["new", "reopened"]


class ErrorIn(BaseModel):
    """One error as its publisher tells it. What is too long is cut, not refused; `cut` then names it."""

    service: Name
    machine: Name
    at: Moment = Field(description="when it happened")
    level: Annotated[Level, BeforeValidator(_level)] = "error"
    kind: str = Field(min_length=1, description="what sort of error, such as an exception's class")
    message: str = Field(description=f"kept up to {MESSAGE} characters")
    trace: str | None = Field(None, description=f"kept up to {TRACE} characters, most of them from its end")
    context: dict[str, Any] = Field(default_factory=dict, description=f"kept up to {CONTEXT} characters of JSON")
    id: Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,100}$")] | None = Field(
        None, description="unique per error and the same when it is sent again: it is then counted once"
    )


BATCH: Final = 500
OneOrMore = Annotated[
    Annotated[ErrorIn, Tag("one")] | Annotated[list[ErrorIn], Field(max_length=BATCH), Tag("batch")],
    Discriminator(lambda body: "batch" if isinstance(body, list) else "one"),
]


class Accepted(BaseModel):
    """Everything told is on the disk."""

    accepted: int
    duplicates: int = Field(description="how many of them were there already, by their id")
    numbers: list[int] = Field(description="of each error, in the order given")


class ErrorView(BaseModel):
    number: int
    id: str | None
    service: str
    machine: str
    at: datetime
    received_at: datetime
    level: Level
    kind: str
    message: str
    trace: str
    context: dict[str, Any]
    cut: list[str] = Field(description="what was too long to be kept whole")
    group: str
    opened: Opened | None = Field(description="whether it opened its group, or opened it again")


class Errors(BaseModel):
    errors: list[ErrorView]
    cursor: str | None = Field(description="for the next page; null when this is the last")


class MachineCount(BaseModel):
    machine: str
    count: int
    last_seen: datetime


class Sample(BaseModel):
    """The error that opened the group, shortened; the error itself may have gone."""

    number: int
    machine: str
    at: datetime
    level: Level
    message: str
    trace: str
    context: dict[str, Any]


class GroupView(BaseModel):
    id: str
    service: str
    kind: str
    pattern: str = Field(description="the message without what varies")
    frames: list[str] = Field(description="where it is raised, the innermost first")
    count: int = Field(description="errors that came, whether they are still kept or not")
    first_seen: datetime
    last_seen: datetime
    last_number: int
    machines: list[MachineCount]
    state: State
    changed_at: datetime = Field(description="when it got its present state")
    note: str
    reopened: int = Field(description="how often an error came after it was resolved")
    sample: Sample


class Groups(BaseModel):
    groups: list[GroupView]
    cursor: str | None = Field(description="for the next page; null when this is the last")


class GroupWish(BaseModel):
    """What an operator says of a group. The next error of a resolved group opens it again."""

    model_config = ConfigDict(extra="forbid")
    state: State
    note: Annotated[str, Field(max_length=500), AfterValidator(clean)] | None = Field(None, description="stays if null")


class LostView(BaseModel):
    """Event `lost`: between these places errors are missing, for they were removed to make room."""

    after: str
    up_to: str
