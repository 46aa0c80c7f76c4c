"""What is remembered of one instance between two decisions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class State(StrEnum):
    NEW = "new"
    UNWANTED = "unwanted"  # not in desired.json: left alone
    HELD = "held"  # an operator's hold or stop: left alone
    TRIED = "tried"  # another image of it is being tried: left to whoever tries it
    PAUSED = "paused"  # an operator's `docker pause`: left alone
    ABSENT = "absent"  # no container, and it is not yet our turn to make one
    CREATED = "created"  # not started, and it is not yet our turn to start it
    ENDING = "ending"  # ended after somebody's signal: a stop may be announced
    BUSY = "busy"
    BOOTING = "booting"
    HEALTHY = "healthy"
    SUSPECT = "suspect"  # missed some answers, not enough to be hung
    UNWELL = "unwell"  # answers 503, still inside our patience
    WAITING = "waiting"  # down, waits for what it depends on
    BACKOFF = "backoff"  # down or hung, waits for its next attempt
    ACTING = "acting"
    BROKEN = "broken"  # the breaker is open


class Breaker(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    TRIAL = "trial"


class Kind(StrEnum):
    """What is wrong."""

    CRASHED = "crashed"
    FOUND_DOWN = "found_down"  # down when first seen, as after a reboot of the host
    NOT_STARTED = "not_started"
    REMOVED = "removed"
    HUNG = "hung"
    BOOT_RAN_OUT = "boot_ran_out"
    UNWELL = "unwell"


class Remedy(StrEnum):
    START = "start"
    RECREATE = "recreate"
    KILL = "kill"  # end at once, then start
    RESTART = "restart"  # ask to end, then start


REMEDIES = {
    Kind.CRASHED: Remedy.START,
    Kind.FOUND_DOWN: Remedy.START,
    Kind.NOT_STARTED: Remedy.START,
    Kind.REMOVED: Remedy.RECREATE,
    Kind.HUNG: Remedy.KILL,
    Kind.BOOT_RAN_OUT: Remedy.KILL,
    Kind.UNWELL: Remedy.RESTART,
}


@dataclass(frozen=True)
class Fault:
    """Something wrong with one run: seen first at `at`, to be acted on from `due` on."""

    kind: Kind
    run: str
    at: float
    due: float


@dataclass(frozen=True)
class Memory:
    state: State = State.NEW
    since: float = 0.0  # of `state`
    fault: Fault | None = None
    trouble: float | None = None  # when the present trouble began; None once healthy again
    run: str = ""
    boot_since: float = 0.0
    answered: bool = False  # this run has been healthy once
    healthy_since: float | None = None
    starts: tuple[float, ...] = ()  # our acts inside the window
    failures: int = 0  # our acts in a row without a stable phase
    run_out: int = 0  # boots in a row that ran out
    unwell_restarts: int = 0
    restarts: int = 0  # our acts since the supervisor started
    breaker: Breaker = Breaker.CLOSED
    opened_at: float = 0.0
    cool_down: float = 0.0
    tried: bool = False  # an open breaker's one trial has been made
    acting: bool = False

    def enter(self, state: State, now: float) -> Memory:
        return self if self.state is state else replace(self, state=state, since=now)


@dataclass(frozen=True)
class Decision:
    """An act on one instance, and why."""

    name: str
    remedy: Remedy
    kind: Kind
    attempt: int  # 1 for the first act in a row
