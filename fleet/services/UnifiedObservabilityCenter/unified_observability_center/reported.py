"""What an instance says of itself: its start-up report and what it answers on /info, the newer one first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from unified_observability_center.store.startups import Startup

FACTS: Final = ("service", "machine", "family", "git_sha", "tag", "input_digest", "sbom_digest")
SAME_RUN: Final = 1.0  # seconds by which two tellings of one start may differ


@dataclass(frozen=True)
class Reported:
    at: float
    started_at: float | None
    facts: dict[str, str] = field(default_factory=dict)
    profile: dict[str, Any] = field(default_factory=dict)


def merged(startup: Startup | None, info: dict[str, Any] | None, info_at: float | None) -> Reported | None:
    """What the older one tells of the same run fills what the newer one leaves open."""
    told = [one for one in (_of_startup(startup), _of_info(info, info_at)) if one is not None]
    if not told:
        return None
    newest, *older = sorted(told, key=lambda one: one.at, reverse=True)
    for one in older:
        if _same_run(newest, one):
            return Reported(newest.at, newest.started_at, one.facts | newest.facts, newest.profile or one.profile)
    return newest


def _same_run(one: Reported, other: Reported) -> bool:
    if one.started_at is None or other.started_at is None:
        return False
    return abs(one.started_at - other.started_at) <= SAME_RUN


def _of_startup(startup: Startup | None) -> Reported | None:
    if startup is None:
        return None
    report = startup.report
    return Reported(startup.at, report.get("started_at"), _facts(report), report.get("profile") or {})


def _of_info(info: dict[str, Any] | None, at: float | None) -> Reported | None:
    if info is None or at is None:
        return None
    return Reported(at, info.get("started_at"), _facts(info), info.get("profile") or {})


def _facts(told: dict[str, Any]) -> dict[str, str]:
    return {name: told[name] for name in FACTS if isinstance(told.get(name), str) and told[name]}
