"""Which locks of Python packages there are: one for each family that has any, and one for each implemented service.

A family whose builder compiles something has another one of what it is compiled with: build.in and build.lock. None
of that reaches an image.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from dockwright.lock import requirement
from dockwright.lock.platform import Target, target
from dockwright.spec.family import SourceOnly
from dockwright.spec.model import Fleet

KIT = Path("servicekit/requirements.in")
FAMILIES = Path("fleet/families")
SERVICES = Path("fleet/services")
# Counts up when locks are made in another way, so that old ones are made again.
FORMAT = 1


@dataclass(frozen=True)
class Rules:
    """What the family.toml files of a chain say together; the nearest wins."""

    floors: Mapping[str, str] = field(default_factory=dict)
    without: Mapping[str, str] = field(default_factory=dict)
    instead: Mapping[str, str] = field(default_factory=dict)  # package -> the lowest release that is taken
    sources: Mapping[str, SourceOnly] = field(default_factory=dict)
    places: Mapping[str, tuple[str, int]] = field(default_factory=dict)  # floor -> file and line

    def met(self, requirement: Requirement, version: str) -> bool:
        """Whether a release will do for those who ask for it, or is taken instead of what they ask for."""
        least = self.instead.get(canonicalize_name(requirement.name))
        wanted = requirement.specifier if least is None else SpecifierSet(f">={least}")
        return wanted.contains(Version(version), prereleases=True)


@dataclass(frozen=True)
class Task:
    """One lock: its inputs, the parent's lock that it may only add to, and the file it is written to."""

    name: str
    family: str
    target: Target
    inputs: tuple[Path, ...]
    file: Path
    parent: str = ""  # another task
    parent_file: Path | None = None
    rules: Rules = field(default_factory=Rules)

    @property
    def ships(self) -> bool:
        """Whether its packages are in an image; what a builder stage works with is not."""
        return not self.name.endswith("/build")


def tasks(fleet: Fleet, root: Path) -> dict[str, Task]:
    """Every lock of the fleet by name, parents before children, then the implemented services."""
    made: dict[str, Task] = {}
    for name in fleet.by_generation():
        folder = FAMILIES / name
        if (root / folder / "requirements.in").is_file():
            made[name] = _task(fleet, root, name, name, folder, ())
        if (root / folder / "build.in").is_file():
            made[f"{name}/build"] = Task(
                f"{name}/build", name, target(fleet, name), (folder / "build.in",), folder / "build.lock"
            )
    for name in fleet.implementations:
        own = SERVICES / name / "requirements.in"
        inputs = (KIT, *([own] if (root / own).is_file() else []))
        family = fleet.lineage(fleet.services[name].family)[-1]
        made[name] = _task(fleet, root, name, family, SERVICES / name, inputs)
    return made


def _task(fleet: Fleet, root: Path, name: str, family: str, folder: Path, more: tuple[Path, ...]) -> Task:
    chain = fleet.lineage(family)
    having = [above for above in chain if (root / FAMILIES / above / "requirements.in").is_file()]
    inputs = tuple(FAMILIES / above / "requirements.in" for above in having)
    above = [other for other in having if other != name]
    parent = above[-1] if above else ""
    file = FAMILIES / parent / "requirements.lock" if parent else None
    lock = folder / "requirements.lock"
    return Task(name, family, target(fleet, family), (*inputs, *more), lock, parent, file, rules(fleet, chain))


def rules(fleet: Fleet, chain: Iterable[str]) -> Rules:
    """The rules of a chain of families, the oldest first."""
    floors: dict[str, str] = {}
    without: dict[str, str] = {}
    instead: dict[str, str] = {}
    sources: dict[str, SourceOnly] = {}
    places: dict[str, tuple[str, int]] = {}
    for said in (fleet.family_files[family] for family in chain if family in fleet.family_files):
        floors |= said.floors
        without |= said.without
        instead |= {name: taken.at_least for name, taken in said.instead.items()}
        sources |= said.sources
        places |= {name: (said.file, said.line("floors", name)) for name in said.floors}
    return Rules(floors, without, instead, sources, places)


def input_digest(task: Task, root: Path) -> str:
    """sha256 over everything that decides a lock, but for its parent and what the index offers.

    Comments, blank lines and order do not count. Raises SpecError where an input is no list of requirements.
    """
    asked = requirement.read(root, task.inputs)
    said = {
        "format": FORMAT,
        "python": task.target.python,
        "platform": task.target.name,
        "asked": sorted({f"{item.file} {item.requirement}" for item in asked}),
        "floors": dict(task.rules.floors),
        "without": sorted(task.rules.without),
        "sources": {name: sorted(source.requires) for name, source in task.rules.sources.items()},
        **({"instead": dict(task.rules.instead)} if task.rules.instead else {}),
    }
    return f"sha256:{hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()}"


def standing_on(made: Mapping[str, Task], names: Iterable[str]) -> list[Task]:
    """The named tasks and everything that stands on them: a child's lock holds its parent's pins."""
    chosen: set[str] = set(names)
    for task in made.values():
        if task.parent in chosen:
            chosen.add(task.name)
    return [task for task in made.values() if task.name in chosen]
