"""What does not fit together any more: read off the files alone, so fast and without a network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

from dockwright.errors import UnreadableInput
from dockwright.lock import pins, requirement
from dockwright.lock.pins import Lock, Pin
from dockwright.lock.tasks import Task, input_digest
from dockwright.spec.finding import Finding, SpecError


def stale(task: Task, root: Path) -> list[Finding]:
    """Why a lock must be made again; empty when it need not."""
    shown = str(task.file)
    try:
        lock = pins.read(root / task.file, shown)
        parent = pins.read(root / task.parent_file, str(task.parent_file)) if task.parent_file else None
        digest = input_digest(task, root)
    except SpecError as error:
        return list(error.findings)
    except UnreadableInput as error:
        file, _, says = str(error).partition(": ")
        return [_finding("lock-unreadable", Path(shown).name, file.split(":")[0], says, _line(file))]
    found = []
    if lock.head.get("content") != lock.digest:
        says = "was changed by hand, or written by an older version; ./dockwright lock makes it again"
        found.append(_finding("lock-edited", "content", shown, says))
    if unknown := [pin for pin in lock.pins.values() if pin.sha256 not in pin.hashes]:
        says = f"does not say which file with which of its hashes is taken for {unknown[0].name}"
        found.append(_finding("lock-edited", "file", shown, says, unknown[0].line))
    if lock.head.get("inputs") != digest:
        asked = ", ".join(dict.fromkeys(map(str, (*task.inputs, "family.toml" if _ruled(task) else ""))))
        says = f"was made from other requirements than now; it is made from {asked.strip(', ')}"
        found.append(_finding("lock-drift", "inputs", shown, says))
    if parent and lock.head.get("parent") != parent.digest:
        says = f"was made on top of another {task.parent_file}"
        found.append(_finding("lock-drift", "parent", shown, says))
    if parent:
        found += pins.unlike(lock.pins, parent.pins, shown, str(task.parent_file))
    return [*found, *_unmet(task, root, lock), *low(task, lock.pins), *_loose(task, lock)]


def _unmet(task: Task, root: Path, lock: Lock) -> list[Finding]:
    """Requirements of the inputs, and of the packages as the lock notes them, that no pin meets."""
    found = []
    for file, line, wanted in (*_asked(task, root), *_noted(task, lock)):
        if isinstance(wanted, str):
            found.append(Finding("lock-closure", "error", "via", file, line, f"`{wanted}` is no requirement"))
            continue
        name = pins.normal(wanted.name)
        if name in task.rules.without or not requirement.applies(wanted, task.target.markers):
            continue
        pin = lock.pins.get(name)
        if pin is None or not task.rules.met(wanted, pin.version):
            has = f"pins {pin.version}" if pin else "does not pin it"
            least = task.rules.instead.get(name)
            taken = f"{name}>={least} is taken instead of {requirement.bare(wanted)}" if least else ""
            says = f"{taken or f'{requirement.bare(wanted)} is asked for'}, and {task.file} {has}"
            found.append(Finding("lock-closure", "error", wanted.name, file, line, says))
    return found


def _asked(task: Task, root: Path) -> list[tuple[str, int, Requirement | str]]:
    return [(item.file, item.line, item.requirement) for item in requirement.read(root, task.inputs)]


def _noted(task: Task, lock: Lock) -> list[tuple[str, int, Requirement | str]]:
    """What the lock says that its packages need; a text where an edit by hand left no requirement."""
    noted: list[tuple[str, int, Requirement | str]] = []
    for pin in lock.pins.values():
        for via in pin.via:
            read = requirement.parsed(via.requirement)
            noted.append((str(task.file), pin.line, read if isinstance(read, Requirement) else via.requirement))
    return noted


def _loose(task: Task, lock: Lock) -> list[Finding]:
    """Pins that nobody asks for, and pins that are said to be asked for by a package that is not pinned."""
    found = []
    for pin in lock.pins.values():
        strangers = [via.source for via in pin.via if not via.is_input and via.source not in lock.pins]
        strangers = [source for source in strangers if source != "the-resolver"]
        if not pin.via or strangers:
            says = f"is asked for by {', '.join(strangers) or 'nothing'}" + (
                ", which is not pinned" if strangers else ""
            )
            found.append(Finding("lock-closure", "error", pin.name, str(task.file), pin.line, says))
    return found


def low(task: Task, pinned: Mapping[str, Pin]) -> list[Finding]:
    """Pins below a floor that a family.toml of the chain declares."""
    found = []
    for name, floor in task.rules.floors.items():
        pin = pinned.get(name)
        if pin is not None and Version(pin.version) < Version(floor):
            says = f"{pin.version} is below {floor}, the lowest acceptable version that family.toml declares"
            found.append(Finding("lock-floors", "error", name, str(task.file), pin.line, says))
    return found


def _ruled(task: Task) -> bool:
    return bool(task.rules.floors or task.rules.without or task.rules.instead or task.rules.sources)


def _line(place: str) -> int:
    number = place.rpartition(":")[2]
    return int(number) if number.isdigit() else 1


def _finding(rule: str, path: str, file: str, says: str, line: int = 1) -> Finding:
    return Finding(rule, "error", path, file, line, says)


def all_stale(tasks: Iterable[Task], root: Path) -> dict[str, list[Finding]]:
    """Task -> why it must be made again, for those that must."""
    found = {task.name: stale(task, root) for task in tasks}
    return {name: wrong for name, wrong in found.items() if wrong}
