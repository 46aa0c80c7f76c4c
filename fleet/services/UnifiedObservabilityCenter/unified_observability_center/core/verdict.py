"""The one line that says how the fleet is, and what is behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from unified_observability_center.core.health import State
from unified_observability_center.core.match import Verdict as Match

Level = Literal["good", "warn", "bad", "none"]
NAMED: Final = 3


@dataclass(frozen=True)
class Row:
    name: str
    state: State
    match: Match


@dataclass(frozen=True)
class Verdict:
    level: Level
    text: str
    notes: tuple[str, ...]


def verdict(rows: Sequence[Row], extra: Sequence[str], problem: str) -> Verdict:
    """`rows`: desired instances. `extra`: those that run or ran without being desired. `problem`: of desired.json."""
    if not rows:
        text = "what should run here is not known" if problem else "nothing should run here yet"
        return Verdict("warn" if problem else "none", text, (problem,) if problem else ())
    notes = [f"what is desired cannot be read: {problem}"] if problem else []
    by_state = {state: [row.name for row in rows if row.state is state] for state in State}
    bad = by_state[State.SILENT] + by_state[State.UNHEALTHY]
    for state in (State.SILENT, State.UNHEALTHY, State.STARTING, State.UNKNOWN):
        notes += _note(by_state[state], f"{state}")
    differing = [row.name for row in rows if row.match == "false"]
    notes += _note(differing, "not as released")
    notes += _note(extra, "not desired")
    waiting = by_state[State.STARTING] or by_state[State.UNKNOWN]
    level: Level = "bad" if bad else "warn" if waiting or differing or extra or problem else "good"
    return Verdict(level, f"{len(by_state[State.HEALTHY])} of {len(rows)} healthy", tuple(notes))


def _note(names: Sequence[str], what: str) -> list[str]:
    if not names:
        return []
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return [f"{len(names)} {what}: {', '.join(names[:NAMED])}{more}"]
