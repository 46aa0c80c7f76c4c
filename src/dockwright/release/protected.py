"""What must not go, and why: what runs, what the fleet is now, and what may have to be gone back to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dockwright.release.health import Health, matches
from dockwright.release.record import Record


def digests(
    records: Sequence[Record],
    health: Health,
    *,
    running: Mapping[str, str],
    used: Iterable[str],
    built: Iterable[str],
    held: Mapping[str, str],
) -> dict[str, str]:
    """Digest -> why it stays.

    `running`: instance -> digest, of what should run here; `used`: what containers need; `built`: what the work tree's
    fleet is made of; `held`: digest -> why, of what somebody has pinned.
    """
    found = dict.fromkeys(used, "a container needs it")
    for digest in running.values():
        found.setdefault(digest, "should run here")
    for digest, why in held.items():
        found.setdefault(digest, why)
    for record, why in releases(records, health, running):
        for digest in record.digests():
            found.setdefault(digest, f"{record.name}, {why}")
    for digest in built:
        found.setdefault(digest, "the fleet is made of it now")
    return found


def releases(records: Sequence[Record], health: Health, running: Mapping[str, str]) -> list[tuple[Record, str]]:
    """The releases that stay whole: the newest one, the one that runs, and the last two that were healthy anywhere.

    Two, because the last healthy one is often the one that runs, and then the one before is what one goes back to.
    """
    found = [(record, "the newest release") for record in records[-1:]]
    found += [(record, "the release that should run here") for record in records if matches(record, running)]
    for machines in ((), *((machine,) for machine in sorted(health.machines))):
        where = f"on {machines[0]}" if machines else "on every machine"
        found += [(record, f"healthy {where}") for record in health.order(records, machines)[:2]]
    first: dict[str, tuple[Record, str]] = {}
    for record, why in found:
        first.setdefault(record.name, (record, why))
    return list(first.values())
