"""What should run here against what does: one row an instance. Pure, but for `read`, which looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from dockwright.build.images import LABEL_UNLOCKED
from dockwright.rollout import drift, facts, followed
from dockwright.rollout.compose import FILTER

SILENT = "does not answer"  # a filter that runs


@dataclass(frozen=True)
class Row:
    """One instance. `state`: healthy, unhealthy, starting, stopped, missing, extra or unknown; `reason` where it is
    not well.

    `host` is the machine that it runs on, which may have it as a guest. `since` is when its container was last started
    (or, stopped, when it ended), in UTC, `unhealthy_since` when its engine's check began to fail; `wrong_image` says
    that it runs another image than the one that is desired, `by_hand` what of its container somebody has changed,
    `not_as_locked` which locks its image could not keep to.
    """

    service: str
    machine: str
    host: str
    desired: bool
    running: bool
    state: str
    reason: str
    since: str
    unhealthy_since: str
    port: int
    health_port: int
    image_digest: str
    wrong_image: bool
    by_hand: tuple[str, ...]
    git_sha: str
    tag: str
    restarts: int
    not_as_locked: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True)
class Status:
    """This host's rows, and the instances of the fleet that do not run here, with why.

    `filter_problem`: what is wrong with the filter before the engine's socket; empty where nothing is.
    """

    machine: str
    rows: tuple[Row, ...]
    left_out: tuple[Mapping[str, Any], ...]
    filter_problem: str

    @property
    def healthy(self) -> int:
        return sum(row.state == "healthy" for row in self.rows)

    @property
    def well(self) -> bool:
        """Whether everything that is desired is healthy, as it was rolled out, and nothing else runs."""
        return all(
            row.state == "healthy" and row.desired and not row.wrong_image and not row.by_hand for row in self.rows
        )


Approved = Mapping[str, Mapping[str, Any]]  # container -> the body that was approved when it was rolled out


def read(seen: Mapping[str, facts.Container], desired: Mapping[str, Any], bind: str, approved: Approved) -> Status:
    """Ask every running instance of those seen; where releases are followed, the supervisor says which."""
    desired = followed.over(desired, followed.ask(desired, bind))
    rows = desired["instances"]
    running = {
        row["service"]: (bind, int(row["health_port"]))
        for row in rows
        if row["container"] in seen and seen[row["container"]].state == "running"
    }
    return judge(desired, seen, facts.ask_all(running), approved, datetime.now(UTC))


def judge(
    desired: Mapping[str, Any],
    seen: Mapping[str, facts.Container],
    health: Mapping[str, facts.Health],
    approved: Approved,
    now: datetime,
) -> Status:
    """Compare what is desired with what was seen and answered."""
    host = desired["machine"]
    rows = []
    for wanted in desired["instances"]:
        found = seen.get(wanted["container"])
        changed = drift.by_hand(approved.get(wanted["container"]), found.inspected) if found else ()
        rows.append(_row(host, wanted, found, health.get(wanted["service"]), changed, now))
    known = {row["container"] for row in desired["instances"]}
    instances = [found for found in seen.values() if found.labels.get("io.dockwright.role") == "instance"]
    rows += [_extra(host, found) for found in instances if found.name not in known]
    problem = filter_problem(seen.get(f"dockwright-{FILTER}"))
    left_out = tuple(desired.get("left_out", ()))
    return Status(desired["machine"], tuple(rows), left_out, problem)


def filter_problem(found: facts.Container | None) -> str:
    """What is wrong with the filter: it does not run, or it runs and its engine's check of it fails."""
    if found is None or found.state != "running":
        return "does not run"
    health = found.inspected["State"].get("Health") or {}
    return SILENT if health.get("Status") == "unhealthy" else ""


def silent(desired: Mapping[str, Any], why: str) -> Status:
    """A machine whose engine does not answer: nothing is known of what should run there."""
    rows = tuple(_unknown(desired["machine"], wanted, why) for wanted in desired["instances"])
    return Status(desired["machine"], rows, tuple(desired.get("left_out", ())), filter_problem="")


def _row(
    host: str,
    wanted: Mapping[str, Any],
    found: facts.Container | None,
    health: facts.Health | None,
    changed: tuple[str, ...],
    now: datetime,
) -> Row:
    state, reason = _state(wanted, found, health, now)
    digest = facts.digest(found) if found else ""
    wrong = found is not None and digest != wanted["image_digest"]
    if wrong and not reason:
        reason = f"runs {digest[:19]}, desired is {wanted['image_digest'][:19]}"
    if changed and not reason:
        reason = f"changed by hand: {', '.join(changed)}"
    failing = drift.unhealthy_since(found.inspected) if found and state == "unhealthy" else None
    return Row(
        wanted["service"],
        wanted["machine"],
        host,
        desired=True,
        running=found is not None and found.state == "running",
        state=state,
        reason=reason,
        since=found.since if found else "",
        unhealthy_since=failing.isoformat(timespec="seconds") if failing else "",
        port=wanted["port"],
        health_port=wanted["health_port"],
        image_digest=digest,
        wrong_image=wrong,
        by_hand=changed,
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
    age = (now - facts.moment(found.since)).total_seconds()
    if age < wanted["start_seconds"]:
        return "starting", f"started {int(age)} s ago; {health.reason}"
    return "unhealthy", health.reason


def _unknown(host: str, wanted: Mapping[str, Any], why: str) -> Row:
    return Row(
        wanted["service"],
        wanted["machine"],
        host,
        desired=True,
        running=False,
        state="unknown",
        reason=why,
        since="",
        unhealthy_since="",
        port=wanted["port"],
        health_port=wanted["health_port"],
        image_digest="",
        wrong_image=False,
        by_hand=(),
        git_sha="",
        tag=wanted["tag"],
        restarts=0,
        not_as_locked=(),
    )


def _extra(host: str, found: facts.Container) -> Row:
    labels = found.labels
    return Row(
        labels.get("io.dockwright.service", found.name),
        labels.get("io.dockwright.machine", ""),
        host,
        desired=False,
        running=found.state == "running",
        state="extra",
        reason="it is not desired here; the next ./dockwright up or deploy removes it",
        since=found.since,
        unhealthy_since="",
        port=0,
        health_port=0,
        image_digest=facts.digest(found),
        wrong_image=False,
        by_hand=(),
        git_sha=labels.get("org.opencontainers.image.revision", ""),
        tag="",
        restarts=found.restarts,
        not_as_locked=_unlocked(found),
    )


def _unlocked(found: facts.Container | None) -> tuple[str, ...]:
    return tuple(found.labels.get(LABEL_UNLOCKED, "").split()) if found else ()
