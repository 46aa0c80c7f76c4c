"""Whether the images of a release are still there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dockwright.engine.docker import Docker
from dockwright.engine.registry.place import Place
from dockwright.release.record import Record


@dataclass(frozen=True)
class Standing:
    """Where one image of a release is: in the engine, in the registry that was asked (None: none was), or nowhere."""

    name: str
    digest: str
    here: bool
    there: bool | None

    @property
    def gone(self) -> bool:
        return not (self.here or self.there)


def standing(docker: Docker, record: Record, place: Place | None = None) -> list[Standing]:
    """Every image of a release, families first. `place`: a registry that is asked, too."""
    pictures = list(record.contents.pictures())
    here = held(docker, {f"{picture.repository}@{picture.digest}" for _, picture in pictures})
    there = _there(place, record) if place else None
    return [
        Standing(name, one.digest, one.digest in here, one.digest in there if there is not None else None)
        for name, one in pictures
    ]


def _there(place: Place, record: Record) -> frozenset[str]:
    from dockwright.release import publish  # HTTP is slow to import, and most commands ask no registry

    return publish.held(place, record)


def held(docker: Docker, references: Iterable[str]) -> frozenset[str]:
    """Of some images, named by digest, the digests of those that the engine has."""
    wanted = set(references)
    found: set[str] = set()
    for entry in docker.inspect("image", sorted({reference.rpartition("@")[2] for reference in wanted} | wanted)):
        pushed: Any = entry.get("RepoDigests") or []
        found |= {str(entry["Id"]), *(str(reference).rpartition("@")[2] for reference in pushed)}
    return frozenset(found)
