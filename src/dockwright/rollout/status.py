"""What should run here against what does: one row an instance. Pure, but for `read`, which looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from dockwright.build.images import LABEL_UNLOCKED
from dockwright.engine.docker import Docker
from dockwright.rollout import facts
from dockwright.rollout.compose import FILTER


@dataclass(frozen=True)
class Row:
    """One instance. `state`: healthy, unhealthy, starting, stopped, missing or extra; `reason` where it is not well.

    `since` is when its container was last started (or, stopped, when it ended), in UTC; `wrong_image` says that it
    runs another image than the one that is desired, `not_as_locked` which locks its image could not keep to.
    """

    service: str
    machine: str
    desired: bool
    running: bool
    state: str
    reason: str
    since: str
    port: int
    health_port: int
    image_digest: str
    wrong_image: bool
    git_sha: str
    tag: str
    restarts: int
    not_as_locked: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True)
class Status:
    """This host's rows, and the instances of the fleet that do not run here, with why."""

    machine: str
    rows: tuple[Row, ...]
    left_out: tuple[Mapping[str, Any], ...]
    filter_running: bool

    @property
    def healthy(self) -> int:
        return sum(row.state == "healthy" for row in self.rows)

    @property
    def well(self) -> bool:
        """Whether everything that is desired is healthy, from the right image, and nothing else runs."""
        return all(row.state == "healthy" and row.desired and not row.wrong_image for row in self.rows)


def read(docker: Docker, desired: Mapping[str, Any], bind: str) -> Status:
    """Look at the engine and ask every running instance."""
    seen = facts.containers(docker)
    rows = desired["instances"]
    running = {
        row["service"]: (bind, int(row["health_port"]))
        for row in rows
        if row["container"] in seen and seen[row["container"]].state == "running"
    }
    return judge(desired, seen, facts.ask_all(running), datetime.now(UTC))


def judge(
    desired: Mapping[str, Any],
    seen: Mapping[str, facts.Container],
    health: Mapping[str, facts.Health],
    now: datetime,
) -> Status:
    """Compare what is desired with what was seen and answered."""
    rows = [_row(row, seen.get(row["container"]), health.get(row["service"]), now) for row in desired["instances"]]
    known = {row["container"] for row in desired["instances"]}
    instances = [found for found in seen.values() if found.labels.get("io.dockwright.role") == "instance"]
    rows += [_extra(found) for found in instances if found.name not in known]
    guard = seen.get(f"dockwright-{FILTER}")
    left_out = tuple(desired.get("left_out", ()))
    return Status(desired["machine"], tuple(rows), left_out, guard is not None and guard.state == "running")


def _row(wanted: Mapping[str, Any], found: facts.Container | None, health: facts.Health | None, now: datetime) -> Row:
    state, reason = _state(wanted, found, health, now)
    wrong = found is not None and found.image != wanted["image_digest"]
    if found is not None and wrong and not reason:
        reason = f"runs {found.image[:19]}, desired is {wanted['image_digest'][:19]}"
    return Row(
        wanted["service"],
        wanted["machine"],
        desired=True,
        running=found is not None and found.state == "running",
        state=state,
        reason=reason,
        since=found.since if found else "",
        port=wanted["port"],
        health_port=wanted["health_port"],
        image_digest=found.image if found else "",
        wrong_image=wrong,
        git_sha=found.labels.get("org.opencontainers.image.revision", "") if found else "",
        tag=wanted["tag"],
        restarts=found.restarts if found else 0,
        not_as_locked=_unlocked(found),
    )


def _state(
    wanted: Mapping[str, Any], found: facts.Container | None, health: facts.Health | None, now: datetime
) -> tuple[str, str]:
    if found is None:
        return "missing", "it has no container"
    if found.state != "running":
        return "stopped", f"its container is {found.state}, exit code {found.exit_code}"
    if health is None:
        return "unhealthy", "its health port was not asked"
    if health.ok:
        return "healthy", ""
    age = (now - moment(found.since)).total_seconds()
    if age < wanted["start_seconds"]:
        return "starting", f"started {int(age)} s ago; {health.reason}"
    return "unhealthy", health.reason


def _extra(found: facts.Container) -> Row:
    labels = found.labels
    return Row(
        labels.get("io.dockwright.service", found.name),
        labels.get("io.dockwright.machine", ""),
        desired=False,
        running=found.state == "running",
        state="extra",
        reason="it is not desired here; ./dockwright up removes it",
        since=found.since,
        port=0,
        health_port=0,
        image_digest=found.image,
        wrong_image=False,
        git_sha=labels.get("org.opencontainers.image.revision", ""),
        tag="",
        restarts=found.restarts,
        not_as_locked=_unlocked(found),
    )


def _unlocked(found: facts.Container | None) -> tuple[str, ...]:
    return tuple(found.labels.get(LABEL_UNLOCKED, "").split()) if found else ()


def moment(text: str) -> datetime:
    """An engine's time (RFC 3339, nanoseconds) as a datetime in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)
