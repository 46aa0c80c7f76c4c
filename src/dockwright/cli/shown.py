"""A host's status as people read it, the same in `up` and `status`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from dockwright.cli.progress import span
from dockwright.rollout.status import Row, Status, moment

COLUMNS = ("SERVICE", "MACHINE", "STATE", "SINCE", "PORT", "HEALTH", "COMMIT", "IMAGE", "REASON")


def rows(status: Status) -> list[tuple[str, ...]]:
    """One line an instance."""
    return [_line(row, datetime.now(UTC)) for row in status.rows]


def _line(row: Row, now: datetime) -> tuple[str, ...]:
    since = f"{span((now - moment(row.since)).total_seconds())}" if row.since else "-"
    digest = row.image_digest.removeprefix("sha256:")[:12] or "-"
    image = f"{digest} (wrong)" if row.wrong_image else digest
    port, health = str(row.port or "-"), str(row.health_port or "-")
    return (row.service, row.machine, row.state, since, port, health, row.git_sha[:8] or "-", image, row.reason)


def verdict(status: Status) -> str:
    """`5 of 5 healthy on mainpc`."""
    desired = sum(row.desired for row in status.rows)
    return f"{status.healthy} of {desired} healthy on {status.machine}"


def unlocked(status: Status) -> Iterator[str]:
    """Which locks of Debian packages could not be kept to, and in how much of what runs here."""
    count = Counter(name for row in status.rows for name in row.not_as_locked)
    for name, instances in count.items():
        many = f"{instances} {'instance' if instances == 1 else 'instances'}"
        yield f"{name} is not as locked in {many}; ./dockwright build tells how, ./dockwright lock records it"


def left_out(status: Status) -> Iterator[str]:
    """Why the rest of the fleet does not run here, counted; those that could run but for one thing are named."""
    why = Counter(entry["why"] for entry in status.left_out)
    for reason, count in why.most_common():
        names = [entry["service"] for entry in status.left_out if entry["why"] == reason]
        named = f": {', '.join(names)}" if count <= 5 else ""
        yield f"{count} {'instance' if count == 1 else 'instances'} left out, {reason}{named}"
