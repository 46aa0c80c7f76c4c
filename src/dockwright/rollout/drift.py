"""Whether a container is still as it was rolled out: against the body that was approved for it then. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from dockwright.rollout import bodies
from dockwright.rollout.facts import moment

SECOND = 1_000_000_000  # engines count intervals in nanoseconds
INTERVAL = 30 * SECOND  # of a health check that names none


def by_hand(approved: Mapping[str, Any] | None, inspected: Mapping[str, Any]) -> tuple[str, ...]:
    """What somebody has changed, in the engine's own words: `HostConfig.Memory`. Nothing where nothing was approved.

    The image is left out: which one is desired is another question.
    """
    if approved is None:
        return ()
    return tuple(sorted(_differences(_less_image(approved), _less_image(bodies.body(dict(inspected))), "")))


def _less_image(body: Mapping[str, Any]) -> dict[str, Any]:
    """A body without its image, which compose notes in a label as well."""
    labels = {key: value for key, value in (body.get("Labels") or {}).items() if key != bodies.IMAGE_LABEL}
    return {**body, "Image": "", "Labels": labels}


def _differences(before: object, now: object, path: str) -> Iterator[str]:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in before.keys() | now.keys():
            yield from _differences(before.get(key), now.get(key), f"{path}.{key}" if path else str(key))
    elif before != now:
        yield path


def healthy_after(inspected: Mapping[str, Any]) -> float | None:
    """Seconds from a container's start to the first success of the engine's own check; None where it kept none."""
    state = inspected.get("State", {})
    log = (state.get("Health") or {}).get("Log") or []
    good = [moment(entry["Start"]) for entry in log if entry.get("ExitCode") == 0]
    return (min(good) - moment(state["StartedAt"])).total_seconds() if good else None


def unhealthy_since(inspected: Mapping[str, Any]) -> datetime | None:
    """When the engine's own health check began to fail; None while it does not, or where there is none.

    The engine keeps the last answers only: before them, its count of failures is taken times the check's interval.
    """
    health = inspected.get("State", {}).get("Health") or {}
    streak, log = int(health.get("FailingStreak") or 0), health.get("Log") or []
    if health.get("Status") != "unhealthy" or not streak or not log:
        return None
    kept = min(streak, len(log))
    every = (inspected["Config"].get("Healthcheck") or {}).get("Interval") or INTERVAL
    return moment(log[-kept]["Start"]) - timedelta(seconds=(streak - kept) * every / SECOND)
