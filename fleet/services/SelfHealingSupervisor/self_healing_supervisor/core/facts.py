"""What is seen of one instance at one moment. Times are seconds on one monotonic clock."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Shape(StrEnum):
    """What the engine says of the container."""

    ABSENT = "absent"
    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"
    BUSY = "busy"  # the engine is restarting or removing it


class Health(StrEnum):
    """What the instance's own health port says."""

    UNKNOWN = "unknown"  # not asked yet in this run
    WELL = "well"
    UNWELL = "unwell"  # it answers 503 and says why
    SILENT = "silent"  # no answer, or an answer that its event loop is stuck


@dataclass(frozen=True)
class Facts:
    """`run` names one run of one container (it changes with every start); `since` is when `shape` began."""

    wanted: bool = True
    held: bool = False
    tried: bool = False  # it is being replaced, and whoever does that judges it
    shape: Shape = Shape.ABSENT
    since: float = 0.0
    seen: bool = False  # the container existed while we watched
    signalled: bool = False  # somebody else sent it a signal shortly before it ended
    run: str = ""
    health: Health = Health.UNKNOWN
    misses: int = 0
    unwell_since: float | None = None
    boot_seconds: float = 60.0
    depends: tuple[str, ...] = ()
