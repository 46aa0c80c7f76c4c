"""Every lock of a fleet: what there should be, what is there, and whether it fits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dockwright.errors import UnreadableInput, UsageError
from dockwright.lock import deb_drift, deb_tasks, debs, drift, explain, pins, predict, tasks
from dockwright.lock.made import Made
from dockwright.lock.sizes import Size
from dockwright.spec.finding import Finding
from dockwright.spec.model import Fleet
from dockwright.spec.names import did_you_mean


@dataclass(frozen=True)
class Inventory:
    """The locks of a fleet below `root`, read once. `made`: roots that were made on this host."""

    fleet: Fleet
    root: Path
    made: Mapping[str, Made]

    @cached_property
    def python(self) -> dict[str, tasks.Task]:
        return tasks.tasks(self.fleet, self.root)

    @cached_property
    def debian(self) -> dict[str, deb_tasks.DebTask]:
        return deb_tasks.tasks(self.fleet, self.root)

    @cached_property
    def names(self) -> list[str]:
        """Everything that has a lock: roots, families, services."""
        return [*dict.fromkeys((*self.debian, *self.python))]

    @cached_property
    def python_locks(self) -> dict[str, pins.Lock]:
        """The locks that can be read; `findings` says what is wrong with the others."""
        found = {}
        for task in self.python.values():
            try:
                found[task.name] = pins.read(self.root / task.file, str(task.file))
            except UnreadableInput:
                continue
        return found

    @cached_property
    def deb_locks(self) -> dict[str, debs.DebLock]:
        """The locks that can be read; `findings` says what is wrong with the others."""
        found = {}
        for task in self.debian.values():
            try:
                found[task.name] = debs.read(self.root / task.file, str(task.file))
            except UnreadableInput:
                continue
        return found

    @cached_property
    def sizes(self) -> dict[str, Size]:
        """Image -> how large it will be."""
        return predict.sizes(self.fleet, self.python, self.python_locks, self.deb_locks)

    def chosen(self, names: Iterable[str]) -> set[str]:
        """The named locks, what stands on them, and what they stand on where that does not fit any more.

        All where none is named. Raises UsageError for a name that has no lock.
        """
        wanted = list(names)
        for name in wanted:
            if name not in self.names:
                says = f"nothing to lock is called {name}{did_you_mean(name, self.names)}"
                raise UsageError(says, f"choose from {', '.join(self.names)}")
        if not wanted:
            return set(self.names)
        below = {*wanted, *(task.name for task in tasks.standing_on(self.python, wanted))}
        for task in self.debian.values():
            if {self.debian[name].file for name in below if name in self.debian} & set(task.above):
                below.add(task.name)
        above = {name for other in below if other in self.python for name in self._above(other)}
        return below | {name for name in above if drift.stale(self.python[name], self.root)}

    def _above(self, name: str) -> Iterable[str]:
        while name := self.python[name].parent:
            yield name

    def check_upgrade(self, upgrade: Iterable[str]) -> None:
        """Raises UsageError for a package that no lock has: a typing error."""
        have = {name for lock in self.python_locks.values() for name in lock.pins}
        for name in upgrade:
            if name != "*" and name not in have:
                if any(name in lock.debs for lock in self.deb_locks.values()):
                    says = f"{name} is a Debian package, and the archive has one version of it"
                    raise UsageError(says, "--upgrade-all takes what the archive has now")
                raise UsageError(f"no lock has a Python package {name}{did_you_mean(name, have)}")

    def findings(self, names: Iterable[str]) -> list[Finding]:
        """What does not fit in some locks."""
        found: list[Finding] = []
        for name in names:
            if name in self.debian:
                found += deb_drift.stale(self.debian[name], self.fleet, self.root, self.made)
            if name in self.python:
                found += drift.stale(self.python[name], self.root)
        return [*found, *predict.findings(self.fleet, self.python, self.python_locks, self.sizes)]

    def explain(self, name: str) -> list[explain.Wanted]:
        """Who wants a package. Raises UsageError where no lock has it."""
        python = explain.python(self.python, self.python_locks, pins.normal(name))
        found = [*python, *explain.debian(self.deb_locks, name)]
        if not found:
            have = {pin for lock in self.python_locks.values() for pin in lock.pins}
            have |= {deb for lock in self.deb_locks.values() for deb in lock.debs}
            raise UsageError(f"no lock has a package {name}{did_you_mean(name, have)}")
        return found
