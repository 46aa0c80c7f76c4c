"""The supervisor's events told as stories: what broke, what was done, how it ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

# The first event of a story, in words for people.
FAULTS: Final = {
    "crashed": "crashed",
    "found_down": "found down",
    "not_started": "was not started",
    "removed": "container removed",
    "hung": "hung",
    "boot_ran_out": "start took too long",
    "unwell": "unwell",
}
ACTS: Final = ("restarted", "restart_failed")
ALONE: Final = {"held": "held", "hold_ended": "hold ended", "paused": "paused"}

Outcome = Literal["open", "healed", "gave up", "noted"]


@dataclass(frozen=True)
class Event:
    id: int
    kind: str
    machine: str
    service: str
    at: float
    detail: dict[str, Any]


@dataclass(frozen=True)
class Incident:
    machine: str
    service: str
    at: float
    what: str
    why: str = ""
    acts: int = 0
    outcome: Outcome = "open"
    seconds: float | None = None
    ended: float | None = None
    evidence: str | None = None


def incidents(events: Iterable[Event]) -> list[Incident]:
    """From events in the order they came; newest first. An act without a known fault opens a story of its own."""
    told: list[Incident] = []
    running: dict[tuple[str, str], Incident] = {}
    for event in events:
        key = event.machine, event.service
        story = running.get(key)
        if event.kind in ALONE:
            told.append(_noted(event))
        elif event.kind in FAULTS:
            running[key] = story or Incident(event.machine, event.service, event.at, FAULTS[event.kind])
        elif event.kind in ACTS:
            running[key] = _acted(story or _opened(event), event)
        elif story is not None and event.kind == "healed":
            told.append(_healed(running.pop(key), event))
        elif story is not None and event.kind == "breaker_opened":
            running[key] = replace(story, outcome="gave up")
        elif story is not None and event.kind == "breaker_closed":
            running[key] = replace(story, outcome="open")
    return sorted([*told, *running.values()], key=lambda one: one.at, reverse=True)


def _noted(event: Event) -> Incident:
    why = _text(event.detail.get("why"))
    return Incident(event.machine, event.service, event.at, ALONE[event.kind], why, outcome="noted")


def _opened(event: Event) -> Incident:
    kind = _text(event.detail.get("kind"))
    return Incident(event.machine, event.service, event.at, FAULTS.get(kind, kind) or "restarted")


def _acted(story: Incident, event: Event) -> Incident:
    why, evidence = _text(event.detail.get("why")), _text(event.detail.get("evidence"))
    outcome = event.detail.get("outcome")
    error = _text(outcome.get("error")) if isinstance(outcome, dict) else ""
    if error:
        why = f"{why}; restart failed: {error}" if why else f"restart failed: {error}"
    return replace(story, why=why or story.why, acts=story.acts + 1, evidence=evidence or story.evidence)


def _healed(story: Incident, event: Event) -> Incident:
    took = event.detail.get("seconds")
    seconds = max(0.0, event.at - story.at)
    if isinstance(took, int | float) and took >= 0:
        seconds = float(took)
    return replace(story, outcome="healed", seconds=seconds, ended=event.at)


def _text(found: object) -> str:
    return found if isinstance(found, str) else ""
