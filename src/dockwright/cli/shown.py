"""A host's status as people read it, the same in `up` and `status`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime

from dockwright.cli.progress import span
from dockwright.rollout.compose import FILTER
from dockwright.rollout.facts import moment
from dockwright.rollout.overview import Machine, Overview
from dockwright.rollout.pins import Pin
from dockwright.rollout.status import SILENT, Row, Status

COLUMNS = ("SERVICE", "MACHINE", "STATE", "SINCE", "PORT", "HEALTH", "COMMIT", "IMAGE", "REASON")


def rows(status: Status | Overview) -> list[tuple[str, ...]]:
    """One line an instance."""
    return [_line(row, datetime.now(UTC)) for row in status.rows]


def _line(row: Row, now: datetime) -> tuple[str, ...]:
    began = row.unhealthy_since or row.since
    since = f"{span((now - moment(began)).total_seconds())}" if began else "-"
    digest = row.image_digest.removeprefix("sha256:")[:12] or "-"
    image = f"{digest} (wrong)" if row.wrong_image else digest
    machine = row.machine if row.machine in ("", row.host) or row.state == "extra" else f"{row.machine} on {row.host}"
    port, health = str(row.port or "-"), str(row.health_port or "-")
    return (row.service, machine, row.state, since, port, health, row.git_sha[:8] or "-", image, row.reason)


def verdict(status: Status) -> str:
    """`5 of 5 healthy on mainpc`."""
    desired = sum(row.desired for row in status.rows)
    return f"{status.healthy} of {desired} healthy on {status.machine}"


def whole(seen: Overview) -> str:
    """`9 of 9 healthy: 5 of 5 on mainpc, 4 of 4 on pc2`."""
    each = [verdict(machine.status) for machine in seen.machines]
    if len(each) == 1:
        return each[0]
    desired = sum(row.desired for row in seen.rows)
    return f"{seen.healthy} of {desired} healthy: {', '.join(line.replace(' healthy', '') for line in each)}"


def beside(seen: Overview) -> Iterator[str]:
    """What is wrong beside the instances, or good to know, machine by machine."""
    for machine in seen.machines:
        yield from _beside(machine, "" if len(seen.machines) == 1 else f"{machine.status.machine}: ")


def pinned(pins: Iterable[Pin], today: date) -> Iterator[str]:
    """What is held at an image whatever is released; pins whose day is over come first."""
    for pin in sorted(pins, key=lambda one: (not one.expired(today), one.service)):
        if pin.expired(today):
            remedy = f"./dockwright unpin {pin.service}, or pin it again"
            yield f"THE PIN OF {pin.service} TO {pin.tag} EXPIRED ON {pin.until} ({pin.why}): {remedy}"
        else:
            yield f"{pin.service} is pinned to {pin.tag} until {pin.until}, by {pin.who}: {pin.why}"


def _beside(machine: Machine, where: str) -> Iterator[str]:
    if machine.silent:
        yield machine.silent
    elif machine.status.filter_problem:
        problem = machine.status.filter_problem
        again = f"docker restart dockwright-{FILTER} there"
        mends = again if problem == SILENT else "the next ./dockwright up or deploy mends it"
        yield f"{where}the filter before the Docker socket {problem}: the supervisor is blind; {mends}"
    for line in machine.otherwise:
        yield f"{where}{line}"
    if machine.held:
        yield f"{where}changed just now by {machine.held}"


def unlocked(status: Status | Overview) -> Iterator[str]:
    """Which locks of Debian packages could not be kept to, and in how much of what runs here."""
    count = Counter(name for row in status.rows for name in row.not_as_locked)
    for name, instances in count.items():
        many = f"{instances} {'instance' if instances == 1 else 'instances'}"
        yield f"{name} is not as locked in {many}; ./dockwright build tells how, ./dockwright lock records it"


def left_out(status: Status | Overview) -> Iterator[str]:
    """Why the rest of the fleet does not run here, counted; those that could run but for one thing are named."""
    why = Counter(entry["why"] for entry in status.left_out)
    for reason, count in why.most_common():
        names = [entry["service"] for entry in status.left_out if entry["why"] == reason]
        named = f": {', '.join(names)}" if count <= 5 else ""
        yield f"{count} {'instance' if count == 1 else 'instances'} left out, {reason}{named}"
