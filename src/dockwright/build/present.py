"""What an engine has of a whole fleet as it is declared now. It makes nothing: no root, no image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from dockwright.build import bases, plan
from dockwright.build.bases import Base
from dockwright.build.images import FAMILIES, Image, plan_images
from dockwright.build.origin import read_origin
from dockwright.build.store import Stored
from dockwright.engine.docker import Docker
from dockwright.errors import DockwrightError
from dockwright.spec.model import Fleet


@dataclass(frozen=True)
class Present:
    """Families and instances by name: what could be built, what is, and why the rest is not."""

    images: dict[str, Image]
    built: dict[str, Stored]
    absent: dict[str, str]


def present(docker: Docker, fleet: Fleet, root: Path) -> Present:
    """Every family and every instance, those that this commit has tagged by its tag.

    An image of other inputs than those of now is not built, and of a commit none of a work tree with changes.
    """
    images = _plan(fleet, root)
    decided = plan.on(docker, images, read_origin(root))
    built = {name: _named(entry.stored, entry.reference) for name, entry in decided.entries.items() if entry.stored}
    absent = {name: "not built" for name in fleet.by_generation() if name not in built}
    absent |= {each.name: _why(fleet, each.service) for each in fleet.instances() if each.name not in built}
    return Present(images, built, absent)


def _named(stored: Stored, reference: str) -> Stored:
    return replace(stored, reference=reference) if reference in stored.references else stored


def _why(fleet: Fleet, service: str) -> str:
    return "not built" if service in fleet.implementations else "not implemented yet"


def _plan(fleet: Fleet, root: Path) -> dict[str, Image]:
    """The images whose input digest can be known: those with a recipe, on a root whose lock fits."""
    known: dict[str, Base] = {}
    families = []
    for name in fleet.by_generation():
        if not all((root / FAMILIES / above / "Dockerfile").is_file() for above in fleet.lineage(name)):
            continue
        try:
            known |= bases.expected(fleet, root, [name])
        except DockwrightError:
            continue  # What builds it tells why.
        families.append(name)
    instances = [
        each
        for each in fleet.instances()
        if each.service in fleet.implementations and fleet.lineage(fleet.services[each.service].family)[-1] in families
    ]
    return plan_images(fleet, families, instances, root, known)
