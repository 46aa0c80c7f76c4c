"""What is wrong with one instance, if anything: the state it is in, and a Kind when something is to be done. Pure."""

from __future__ import annotations

from self_healing_supervisor.core.facts import Facts, Health, Shape
from self_healing_supervisor.core.memory import Kind, Memory, State
from self_healing_supervisor.core.policy import Policy

Diagnosis = tuple[State, Kind | None]


def diagnose(memory: Memory, facts: Facts, misses: int, now: float, policy: Policy) -> Diagnosis:
    """`misses`: missed answers in a row that count as hung at this moment."""
    if not facts.wanted:
        return State.UNWANTED, None
    if facts.held:
        return State.HELD, None
    if facts.tried:
        return State.TRIED, None
    age = now - facts.since
    match facts.shape:
        case Shape.PAUSED:
            return State.PAUSED, None
        case Shape.BUSY:
            return State.BUSY, None
        case Shape.ABSENT:
            grace = policy.removed_grace if facts.seen else policy.absent_grace
            return State.ABSENT, Kind.REMOVED if age >= grace else None
        case Shape.CREATED:
            return State.CREATED, Kind.NOT_STARTED if age >= policy.created_grace else None
        case Shape.ENDED:
            if facts.signalled and age < policy.stop_grace:
                return State.ENDING, None
            return State.ENDING, Kind.CRASHED if facts.seen else Kind.FOUND_DOWN
        case Shape.RUNNING:
            return _running(memory, facts, misses, now, policy)


def _running(memory: Memory, facts: Facts, misses: int, now: float, policy: Policy) -> Diagnosis:
    boot_end = memory.boot_since + policy.boot(facts.boot_seconds, memory.run_out)
    booting = not memory.answered and now <= boot_end
    match facts.health:
        case Health.WELL:
            return State.HEALTHY, None
        case Health.UNKNOWN:
            return State.BOOTING, None
        case Health.SILENT:
            if booting:
                return State.BOOTING, None
            if facts.misses < misses:
                return State.SUSPECT, None
            return State.SUSPECT, Kind.HUNG if memory.answered else Kind.BOOT_RAN_OUT
        case Health.UNWELL:
            if booting:
                return State.BOOTING, None
            began = facts.unwell_since if facts.unwell_since is not None else now
            began = began if memory.answered else max(began, boot_end)
            over = now - began >= policy.unwell(memory.unwell_restarts)
            return State.UNWELL, Kind.UNWELL if over else None
