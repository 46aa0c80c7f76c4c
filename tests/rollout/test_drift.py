"""Containers that are no longer as they were rolled out, and since when an engine finds one unhealthy."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from rollout.engine import container

from dockwright.rollout import bodies, drift


def inspected(**health: Any) -> dict[str, Any]:
    return container("dockwright-alpha", **({"Health": health} if health else {}))


def memory(found: dict[str, Any]) -> None:
    found["HostConfig"]["Memory"] = 1


def joined(found: dict[str, Any]) -> None:
    found["NetworkSettings"]["Networks"]["another"] = {"Aliases": []}


def relabelled(found: dict[str, Any]) -> None:
    found["Config"]["Labels"]["io.dockwright.config"] = "sha256:other"


def privileged(found: dict[str, Any]) -> None:
    found["HostConfig"]["Privileged"] = True


def other_image(found: dict[str, Any]) -> None:
    found["Config"]["Image"] = found["Image"] = "sha256:other"
    found["Config"]["Labels"]["com.docker.compose.image"] = "sha256:other"


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], None], tuple[str, ...]]] = {
    "memory": (memory, ("HostConfig.Memory",)),
    "a network": (joined, ("NetworkingConfig.EndpointsConfig.another",)),
    "a label of the fleet": (relabelled, ("Labels.io.dockwright.config",)),
    "a right": (privileged, ("HostConfig.Privileged",)),
    "the image, which is told otherwise": (other_image, ()),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_changed_by_hand_is_named(change: str) -> None:
    found = inspected()
    approved = bodies.body(found)
    assert drift.by_hand(approved, found) == ()
    by, named = CHANGES[change]
    by(found)
    assert drift.by_hand(approved, found) == named


def test_nothing_is_said_of_what_was_never_approved() -> None:
    assert drift.by_hand(None, inspected()) == ()


LOG = [{"Start": f"2026-11-24T12:00:{second:02}Z", "ExitCode": 1} for second in (10, 20, 30, 40, 50)]


@pytest.mark.parametrize(
    ("streak", "status", "expected"),
    [
        (3, "unhealthy", "2026-11-24T12:00:30+00:00"),
        (5, "unhealthy", "2026-11-24T12:00:10+00:00"),
        (11, "unhealthy", "2026-11-24T11:59:10+00:00"),  # six more, ten seconds each
        (0, "healthy", None),
        (2, "starting", None),
    ],
)
def test_since_when_it_is_unhealthy(streak: int, status: str, expected: str | None) -> None:
    found = inspected(Status=status, FailingStreak=streak, Log=LOG)
    found["Config"]["Healthcheck"] = {"Interval": 10_000_000_000}
    since = drift.unhealthy_since(found)
    assert since == (datetime.fromisoformat(expected) if expected else None)


def test_without_a_check_nobody_knows() -> None:
    assert drift.unhealthy_since({"State": {}, "Config": {}}) is None
    assert drift.unhealthy_since(inspected(Status="unhealthy", FailingStreak=1, Log=[])) is None


def test_after_how_long_it_was_first_healthy() -> None:
    begun = "2026-11-24T10:00:00.5Z"
    log = [{"Start": f"2026-11-24T10:00:0{second}.0Z", "ExitCode": code} for second, code in ((1, 1), (3, 0), (4, 0))]
    assert drift.healthy_after(container("dockwright-alpha", StartedAt=begun, Health={"Log": log})) == 2.5
    assert drift.healthy_after(container("dockwright-alpha", StartedAt=begun, Health={"Log": log[:1]})) is None
    assert drift.healthy_after({"State": {}}) is None
