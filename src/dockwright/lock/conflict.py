"""Why nothing at or above a floor fits: the chain of requirements that forces it, and the ways out.

Without floors a resolver does not fail: it goes back until something fits, if need be for years.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from dockwright.errors import CommandFailed
from dockwright.lock import files, metadata, pins, python, requirement
from dockwright.lock.requirement import Asked, applies, bare, parsed
from dockwright.lock.resolver import Stop, Workplace
from dockwright.lock.tasks import Task
from dockwright.spec.finding import Finding


@dataclass(frozen=True)
class Clash:
    """A release that would do, what it needs, and who asks for something else."""

    release: str
    needs: str
    place: str  # file:line
    says: str
    asked: bool  # by a requirements.in, which a person can change; else the parent's lock


def explain(task: Task, root: Path, stop: Stop, *, offline: bool) -> list[Finding]:
    """A finding for each floor that cannot be kept; empty where floors are not the reason."""
    if not task.rules.floors:
        return []
    fallback = _without_floors(task, root, stop, offline)
    asked = requirement.read(root, task.inputs)
    parent = pins.read(root / task.parent_file, str(task.parent_file)).pins if task.parent_file else {}
    found = []
    for name, floor in task.rules.floors.items():
        taken = fallback.get(name)
        if taken is None or Version(taken) >= Version(floor):
            continue
        wanted = (f"{name}=={floor}", f"{name}>={floor}")
        clashes = [clash for one in wanted for clash in _clashes(task, root, stop, one, asked, parent, offline)]
        found.append(_finding(task, name, floor, taken, _telling(clashes)))
    return found


def _without_floors(task: Task, root: Path, stop: Stop, offline: bool) -> dict[str, str]:
    """What the resolver would take if nothing held it: package -> version."""
    with tempfile.TemporaryDirectory(prefix="dockwright-lock-") as folder:
        place = Workplace(Path(folder), root, stop, offline)
        place.prepare(replace(task, rules=replace(task.rules, floors={})))
        output = place.folder / "requirements.lock"
        output.touch()
        try:
            place.uv(python.compile_command(task, root, output, ()), task.name)
        except CommandFailed:
            return {}
        return {name: pin.version for name, pin in pins.read(output, task.name).pins.items()}


def _clashes(
    task: Task,
    root: Path,
    stop: Stop,
    wanted: str,
    asked: Iterable[Asked],
    parent: Mapping[str, pins.Pin],
    offline: bool,
) -> list[Clash]:
    """What one release needs and does not get. The index is asked for that release alone."""
    with tempfile.TemporaryDirectory(prefix="dockwright-lock-") as folder:
        place = Workplace(Path(folder), root, stop, offline)
        place.prepare(replace(task, rules=replace(task.rules, floors={}, without={}, instead={})))
        (place.folder / "one.in").write_text(f"{wanted}\n")
        pylock = place.folder / "pylock.toml"
        try:
            place.uv(python.files_command(task, place.folder / "one.in", pylock), task.name)
        except CommandFailed:
            return []
        offered = files.chosen(pylock.read_text(), task.target)
    known = metadata.read(offered.values(), offline=offline)
    found = []
    for name, file in offered.items():
        for text in known.get(file.sha256, ()):
            need = parsed(text)
            if isinstance(need, Requirement) and applies(need, task.target.markers):
                against = _against(need, asked, parent, task)
                found += [Clash(f"{name} {_version(file)}", bare(need), *against)] if against else []
    return found


def _against(
    need: Requirement, asked: Iterable[Asked], parent: Mapping[str, pins.Pin], task: Task
) -> tuple[str, str, bool] | None:
    """Who asks for something else: a requirements.in that names one version, or the parent's lock."""
    name = canonicalize_name(need.name)
    for item in asked:
        exact = [spec.version for spec in item.requirement.specifier if spec.operator == "=="]
        if item.name == name and exact and not need.specifier.contains(exact[0], prereleases=True):
            return f"{item.file}:{item.line}", f"asks for {bare(item.requirement)}", True
    pin = parent.get(name)
    if pin is not None and not need.specifier.contains(pin.version, prereleases=True):
        return f"{task.parent_file}:{pin.line}", f"pins {name}=={pin.version}", False
    return None


def _telling(clashes: Iterable[Clash]) -> list[Clash]:
    """One clash a release: what a person asked for tells more than what was resolved from it."""
    found: dict[str, Clash] = {}
    for clash in clashes:
        known = found.get(clash.release)
        if known is None or (clash.asked and not known.asked):
            found[clash.release] = clash
    return list(found.values())


def _finding(task: Task, name: str, floor: str, taken: str, clashes: list[Clash]) -> Finding:
    chains = [f"{clash.release} needs {clash.needs}, and {clash.place} {clash.says}" for clash in clashes]
    ways = [f"ask for {clash.needs} in {clash.place} (a frozen value needs a ticket)" for clash in clashes[:1]]
    ways += [f"take {name} out of requirements.in", "lower the floor"]
    says = f"no {name} from {floor} on fits here; left alone, the resolver takes {taken}. "
    says += f"{'; '.join(chains) or 'what it needs clashes further down'}. Ways out: {', or '.join(ways)}"
    file, line = task.rules.places.get(name, (str(task.file), 1))
    return Finding("lock-floors", "error", f"floors.{name}", file, line, says)


def _version(file: files.File) -> str:
    return file.name.split("-")[1]
