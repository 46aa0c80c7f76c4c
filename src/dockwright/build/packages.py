"""The Debian packages that images stand on: those that a lock pins, or those that had to be taken in their place.

Where the archive has moved on and nobody has a pinned version any more, a host notes what it took instead. The note
counts for that one lock on that one host; a new lock makes it void.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dockwright.engine.state import dumps, state_dir, write_atomically
from dockwright.errors import DockwrightError, UnreadableInput
from dockwright.lock import deb_tasks, debs
from dockwright.lock.deb_tasks import DebTask
from dockwright.lock.debs import Deb, DebLock
from dockwright.spec.model import Fleet

SHOWN = 5


@dataclass(frozen=True)
class Packages:
    """The packages of one lock as they are used on this host. `differences`: in what they are not as locked."""

    name: str
    debs: Mapping[str, Deb]
    as_locked: bool = True
    differences: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        """Equal for equal packages, wherever and whenever they were locked."""
        return debs.identity(self.debs.values())

    def __str__(self) -> str:
        """`base-utils is not as locked: curl 7.88.1-10+deb12u16 instead of 7.88.1-10+deb12u15`."""
        if self.as_locked:
            return f"{self.name} is as locked"
        more = len(self.differences) - SHOWN
        named = ", ".join(self.differences[:SHOWN]) or "the same packages, on others below"
        return f"{self.name} is not as locked: {named}{f', and {more} more' if more > 0 else ''}"


def expected(fleet: Fleet, root: Path, names: Iterable[str], *, locked: bool = False) -> dict[str, Packages]:
    """What some locks, and those below them, stand for on this host, by name. It makes nothing and asks nobody.

    `locked`: what this host noted of packages that could not be had does not count. Raises UnreadableInput where a
    lock is missing or damaged, DockwrightError where it does not fit what is asked for.
    """
    tasks = deb_tasks.tasks(fleet, root)
    by_file = {task.file: task for task in tasks.values()}
    found: dict[str, Packages] = {}

    def look(task: DebTask) -> Packages:
        if task.name not in found:
            above = [look(by_file[file]) for file in task.above]
            lock = checked(task, fleet, root)
            noted = None if locked else noted_instead(task, lock, above)
            found[task.name] = noted or Packages(task.name, lock.debs)
        return found[task.name]

    for name in names:
        if name in tasks:
            look(tasks[name])
    return found


def checked(task: DebTask, fleet: Fleet, root: Path) -> DebLock:
    """A lock that nobody has changed by hand, and that is of what is asked for now."""
    lock = debs.read(root / task.file, str(task.file))
    if lock.head.get("content") != lock.digest:
        raise DockwrightError(f"{task.file}: was changed by hand", "./dockwright lock makes it again")
    if lock.head.get("inputs") != deb_tasks.input_digest(task, fleet, root):
        source = task.asked or f"fleet/fleet.toml [roots.{task.root}]"
        raise DockwrightError(f"{task.file}: was made from another {source} than now", "run ./dockwright lock")
    return lock


def differences(lock: DebLock, found: Mapping[str, Deb]) -> tuple[str, ...]:
    """In what some packages are not a lock's: `curl 7.88.2 instead of 7.88.1`."""
    said = []
    for name in sorted({*lock.debs, *found}):
        old, new = lock.debs.get(name), found.get(name)
        if old and new and old.version != new.version:
            said.append(f"{name} {new.version} instead of {old.version}")
        elif new and not old:
            said.append(f"{name} {new.version} besides")
        elif old and not new:
            said.append(f"no {name}")
    return tuple(said)


def note_instead(task: DebTask, lock: DebLock, above: Iterable[Packages], found: Mapping[str, Deb]) -> Packages:
    """Note what was taken instead of what a lock pins."""
    said = {
        "lock": debs.identity(lock.debs.values()),
        "above": [packages.identity for packages in above],
        "debs": debs.render({}, found.values()),
    }
    write_atomically(_note(task.name), dumps(said))
    return Packages(task.name, dict(found), False, differences(lock, found))


def note_gone(task: DebTask, lock: DebLock) -> None:
    """Note that a lock's pins cannot be had, so that `lock` makes it again."""
    write_atomically(_note(task.name), dumps({"lock": debs.identity(lock.debs.values())}))


def noted_instead(task: DebTask, lock: DebLock, above: Iterable[Packages]) -> Packages | None:
    """What this host took instead of these very pins, on these very packages; None where it took the pins."""
    try:
        said = json.loads(_note(task.name).read_text())
        fits = said["lock"] == debs.identity(lock.debs.values())
        fits = fits and said["above"] == [packages.identity for packages in above]
        found = debs.parse(said["debs"], _note(task.name).name).debs
    except (OSError, ValueError, LookupError, TypeError, AttributeError, UnreadableInput):
        return None
    return Packages(task.name, found, False, differences(lock, found)) if fits else None


def forget(name: str) -> None:
    """A lock's pins can be had (again), or there are new ones."""
    _note(name).unlink(missing_ok=True)


def gone(fleet: Fleet, root: Path) -> set[str]:
    """Names of the locks that could not be kept to on this host, as they are now."""
    found = set()
    for name, task in deb_tasks.tasks(fleet, root).items():
        try:
            lock = debs.read(root / task.file, str(task.file))
            if json.loads(_note(name).read_text())["lock"] == debs.identity(lock.debs.values()):
                found.add(name)
        except (OSError, ValueError, LookupError, TypeError, UnreadableInput):
            continue  # No note, or no lock that it could be of.
    return found


def _note(name: str) -> Path:
    return state_dir() / "instead" / f"{name.replace('/', '.')}.json"
