"""Which images a command line means: the same names, with the same meaning, for every verb that builds or plans."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dockwright.build.images import FAMILIES
from dockwright.errors import UsageError
from dockwright.spec.model import Fleet, Instance
from dockwright.spec.names import did_you_mean


@dataclass(frozen=True)
class Chosen:
    """Families and instances; what these stand on belongs to them."""

    families: list[str]
    instances: list[Instance]


def chosen(fleet: Fleet, root: Path, names: list[str], machine: str | None = None) -> Chosen:
    """What some names mean; every implemented instance when there is none. Raises UsageError."""
    if machine is not None and machine not in fleet.machines:
        raise UsageError(f"no machine is called '{machine}'", f"choose from {', '.join(fleet.machines)}")
    built = [instance for instance in fleet.instances() if instance.service in fleet.implementations]
    known = {*fleet.families, *(each.service for each in built), *(each.name for each in built)}
    for name in names:
        if name in fleet.services and name not in known:
            raise UsageError(f"{name} is not implemented yet", "./dockwright check --all lists what is")
        if name not in known:
            raise UsageError(f"nothing to build is called {name}{did_you_mean(name, known)}")
    families = [fleet.lineage(name)[-1] for name in names if name in fleet.families]
    instances = [each for each in built if not names or each.service in names or each.name in names]
    found = Chosen(families, [each for each in instances if machine in (None, each.machine)])
    _recipes_exist(fleet, found, root)
    return found


def _recipes_exist(fleet: Fleet, found: Chosen, root: Path) -> None:
    """Raise UsageError for families that nobody has written a Dockerfile for yet."""
    names = [*found.families, *(fleet.services[instance.service].family for instance in found.instances)]
    needed = dict.fromkeys(above for name in names for above in fleet.lineage(name))
    missing = [name for name in needed if not (root / FAMILIES / name / "Dockerfile").is_file()]
    if missing:
        raise UsageError(f"{', '.join(missing)}: not implemented yet, there is no Dockerfile")


def makeable(fleet: Fleet, root: Path) -> list[str]:
    """The families that have a Dockerfile and stand on a root that builds can make, parents first."""
    found = []
    for name in fleet.by_generation():
        top = fleet.roots.get(str(fleet.families[fleet.lineage(name)[0]].parent))
        if top and not top.image and (root / FAMILIES / name / "Dockerfile").is_file():
            found.append(name)
    return found
