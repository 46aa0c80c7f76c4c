"""What one instance's health answers mean over time.

Two clocks: `wall` (seconds since the epoch) is what people are shown; `steady` never jumps and measures durations.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class State(StrEnum):
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"  # it answers, and says why it is not well
    SILENT = "silent"  # it does not answer
    STARTING = "starting"  # not well yet, within the time that its start may take
    UNKNOWN = "unknown"  # not asked yet, or not asked for so long that the last answer says nothing


class Heard(StrEnum):
    WELL = "well"
    UNWELL = "unwell"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Moment:
    wall: float
    steady: float


@dataclass(frozen=True)
class Reason:
    """One check of an instance that fails, and what it says. Our own words carry the check `answer`."""

    check: str
    reason: str


@dataclass(frozen=True)
class Answer:
    heard: Heard
    reasons: tuple[Reason, ...] = ()
    seconds: float | None = None  # how long the answer took
    started_at: float | None = None  # wall: since when it runs, in its own words


@dataclass(frozen=True)
class Policy:
    misses: int = 2  # questions in a row without an answer that make silence
    stale_seconds: float = 20.0
    slack_seconds: float = 1.0  # clocks of two processes are never quite one


@dataclass(frozen=True)
class Memory:
    """What is remembered of an instance between two answers."""

    state: State = State.UNKNOWN
    since: float = 0.0  # wall, of `state`
    reasons: tuple[Reason, ...] = ()
    seconds: float | None = None
    misses: int = 0
    missed_at: float = 0.0  # wall, of the first miss in a row
    answered_at: float | None = None  # wall, of the last answer
    asked: float = 0.0  # steady, of the last answer or silence
    boot_until: float | None = None  # steady; a run is known to have begun and may take until then
    started_at: float | None = None  # wall, of the present run
    before: tuple[State, float] | None = None  # state and since before it became unknown

    @property
    def why(self) -> str:
        return "; ".join(f"{one.check}: {one.reason}" for one in self.reasons)


def first(now: Moment, before: tuple[State, float] | None = None) -> Memory:
    """Of an instance that has just become known; `before` is what an earlier life of ours knew of it."""
    return Memory(since=now.wall, asked=now.steady, before=before)


def wanted(memory: Memory, at: float, now: Moment, start_seconds: float) -> Memory:
    """It has been wanted, as it is now, since `at`: until its start's deadline it need not be well."""
    return replace(memory, boot_until=_deadline(at, now, start_seconds))


def began(memory: Memory, at: float, now: Moment, start_seconds: float) -> Memory:
    """A run that began at `at` is known, from a report or from a health answer."""
    started_at = min(at, now.wall)
    return replace(memory, started_at=started_at, boot_until=_deadline(started_at, now, start_seconds))


def is_new(memory: Memory, started_at: float, policy: Policy) -> bool:
    """Whether this is another run than the one that is known."""
    return memory.started_at is None or abs(started_at - memory.started_at) > policy.slack_seconds


def _deadline(at: float, now: Moment, start_seconds: float) -> float:
    return now.steady + start_seconds - max(0.0, now.wall - at)


def answered(memory: Memory, answer: Answer, now: Moment, start_seconds: float, policy: Policy) -> Memory:
    if answer.heard is Heard.NOTHING:
        return _missed(memory, answer, now, policy)
    if answer.started_at is not None and is_new(memory, min(answer.started_at, now.wall), policy):
        memory = began(memory, answer.started_at, now, start_seconds)
    heard = replace(memory, misses=0, answered_at=now.wall, asked=now.steady, seconds=answer.seconds)
    if answer.heard is Heard.WELL:
        return _well(heard, now, policy)
    state = State.STARTING if _booting(memory, now) else State.UNHEALTHY
    return replace(_enter(heard, state, now.wall), reasons=answer.reasons)


def _well(heard: Memory, now: Moment, policy: Policy) -> Memory:
    """Nothing is healthy for longer than it runs."""
    well = replace(_enter(heard, State.HEALTHY, now.wall), reasons=(), boot_until=None)
    if well.started_at is not None and well.started_at > well.since + policy.slack_seconds:
        return replace(well, since=well.started_at)
    return well


def _missed(memory: Memory, answer: Answer, now: Moment, policy: Policy) -> Memory:
    misses = memory.misses + 1
    missed_at = now.wall if misses == 1 else memory.missed_at
    missed = replace(memory, misses=misses, missed_at=missed_at, asked=now.steady)
    booting = _booting(memory, now)
    if misses < policy.misses and not (booting and memory.state in (State.UNKNOWN, State.STARTING)):
        return missed
    entered = _enter(missed, State.STARTING if booting else State.SILENT, missed_at)
    return replace(entered, reasons=answer.reasons, seconds=None)


def _booting(memory: Memory, now: Moment) -> bool:
    return memory.boot_until is not None and now.steady < memory.boot_until


def _enter(memory: Memory, state: State, since: float) -> Memory:
    if memory.state is state:
        return memory
    if memory.state is State.UNKNOWN and memory.before is not None and memory.before[0] is state:
        since = memory.before[1]  # nothing has changed while we did not look
    return replace(memory, state=state, since=since, before=None)


def quiet(memory: Memory, now: Moment, policy: Policy) -> Memory:
    """Nobody could ask for long, ourselves being held up: what was known is no longer."""
    if memory.state is State.UNKNOWN or now.steady - memory.asked <= policy.stale_seconds:
        return memory
    before = memory.state, memory.since
    return replace(memory, state=State.UNKNOWN, since=now.wall, reasons=(), misses=0, before=before)
