"""Which releases were seen healthy, on which machine, and when. This is what `-prev` means (ticket 0030)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dockwright.engine.state import dumps, read_json, write_atomically
from dockwright.errors import UnreadableInput
from dockwright.release.record import Record
from dockwright.release.shelf import Shelf


@dataclass(frozen=True)
class Health:
    """Release -> machine -> when all that runs there was last seen healthy, from exactly the release's images."""

    seen: Mapping[str, Mapping[str, str]]

    @property
    def machines(self) -> frozenset[str]:
        """Every machine that any release was seen healthy on: those that can be asked for it."""
        return frozenset(machine for times in self.seen.values() for machine in times)

    def at(self, record: Record) -> str:
        """When a release was last healthy on every machine that it is for; empty where it never was.

        Machines that nothing was ever rolled out to from here do not count.
        """
        times = self.seen.get(record.name, {})
        wanted = record.machines() & self.machines
        return max(times[machine] for machine in wanted) if wanted and wanted <= times.keys() else ""

    def order(self, records: Iterable[Record], machines: Collection[str] = ()) -> list[Record]:
        """The healthy ones of some releases, the last one first: those healthy on these machines, or on every one."""
        found = [(self._time(one, machines), one.created, one) for one in records]
        return [one for time, _, one in sorted(found, key=lambda each: each[:2], reverse=True) if time]

    def _time(self, record: Record, machines: Collection[str]) -> str:
        times = self.seen.get(record.name, {})
        if machines:
            return max(times[each] for each in machines) if times.keys() >= set(machines) else ""
        return self.at(record)


def read(shelf: Shelf) -> Health:
    """What was noted so far. Raises UnreadableInput."""
    path = _file(shelf)
    found = read_json(path) or {}
    for name, times in found.items():
        if not isinstance(times, dict) or not all(isinstance(time, str) for time in times.values()):
            says = f"{path}: {name}: expected machines and times"
            raise UnreadableInput(says, "move the file away: which releases were healthy is noted anew")
    return Health({name: dict(times) for name, times in found.items() if isinstance(times, dict)})


def last_healthy(
    shelf: Shelf, machines: Collection[str] = (), but: Collection[str] = (), health: Health | None = None
) -> Record | None:
    """The release that was healthy last: on these machines, or on every machine that it is for.

    `but`: names of releases that do not count, such as the one that is being taken back.
    """
    seen = health or read(shelf)
    return next((one for one in seen.order(shelf.all(), machines) if one.name not in but), None)


def note(shelf: Shelf, machine: str, running: Mapping[str, str], now: datetime) -> Record | None:
    """Note that everything that runs on a machine is healthy; the release that it is, None where it is none.

    `running`: instance -> the digest of its image, of all that runs there. Instances that a release has and this host
    cannot run, for want of a card, are no hindrance; one that it does not have, or from another image, is.
    """
    with shelf.alone():
        found = next((one for one in reversed(shelf.all()) if matches(one, running)), None)
        if found is not None:
            seen = {name: dict(times) for name, times in read(shelf).seen.items()}
            seen.setdefault(found.name, {})[machine] = now.isoformat(timespec="seconds")
            write_atomically(_file(shelf), dumps(seen))
        return found


def matches(record: Record, running: Mapping[str, str]) -> bool:
    """Whether all that runs comes from exactly a release's images."""
    known = record.contents.instances
    return bool(running) and all(name in known and known[name].digest == digest for name, digest in running.items())


def _file(shelf: Shelf) -> Path:
    return shelf.home / "health.json"
