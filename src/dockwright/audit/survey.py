"""Looks into every image of some families and services that an engine has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from dockwright.audit import look, system
from dockwright.audit.looked import Looked, programs_run
from dockwright.build.present import present
from dockwright.build.store import Stored
from dockwright.check.rules.health_command import PROGRAMS
from dockwright.engine.docker import Docker
from dockwright.lock.inventory import Inventory
from dockwright.spec.finding import Finding

Say = Callable[[str], None]


@dataclass(frozen=True)
class Survey:
    """The images that were looked into, parents first, and a finding for each one that would not let itself."""

    looked: dict[str, Looked] = field(default_factory=dict)
    unseen: dict[str, Finding] = field(default_factory=dict)


def survey(docker: Docker, inventory: Inventory, names: Iterable[str], say: Say) -> Survey:
    """Look into the images of some families and services."""
    fleet, made = inventory.fleet, Survey()
    for name, image in _built(docker, inventory, names):
        say(f"{name}: looking into its image")
        lineage = fleet.lineage(name if name in fleet.families else fleet.services[name].family)
        try:
            told = look.into(docker, image.reference)
        except look.Unseen as error:
            file = f"fleet/families/{lineage[-1]}/Dockerfile"
            made.unseen[name] = Finding("unseen", "error", name, file, 1, f"{image.reference} {error}")
        else:
            made.looked[name] = Looked(name, lineage, system.read(told), _run(docker, image))
    return made


def _built(docker: Docker, inventory: Inventory, names: Iterable[str]) -> Iterator[tuple[str, Stored]]:
    """Of a service on several machines the first that is built: they differ in their profile only."""
    fleet = inventory.fleet
    built = present(docker, fleet, inventory.root).built
    for name in names:
        machines = fleet.services[name].machines if name in fleet.services else ()
        candidates = (name, *(f"{machine}/{name}" for machine in machines))
        image = next((built[one] for one in candidates if one in built), None)
        if image:
            yield name, image


def _run(docker: Docker, image: Stored) -> tuple[str, ...]:
    """What an image runs, and what every instance on top of it does."""
    entries = docker.inspect("image", [image.reference])
    config = entries[0].get("Config") if entries else None
    return (*PROGRAMS, *programs_run(config if isinstance(config, Mapping) else {}))
