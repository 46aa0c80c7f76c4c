"""Whether the images of a release are still there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dockwright.engine.docker import Docker
from dockwright.release.record import Record


@dataclass(frozen=True)
class Standing:
    """Where one image of a release is: in the engine, or nowhere that was looked at."""

    name: str
    reference: str
    digest: str
    here: bool


def standing(docker: Docker, record: Record) -> list[Standing]:
    """Every image of a release, families first."""
    pictures = list(record.contents.pictures())
    known = held(docker, {f"{picture.repository}@{picture.digest}" for _, picture in pictures})
    return [Standing(name, one.reference, one.digest, one.digest in known) for name, one in pictures]


def held(docker: Docker, references: Iterable[str]) -> frozenset[str]:
    """Of some images, named by digest, the digests of those that the engine has."""
    wanted = set(references)
    found: set[str] = set()
    for entry in docker.inspect("image", sorted({reference.rpartition("@")[2] for reference in wanted} | wanted)):
        pushed: Any = entry.get("RepoDigests") or []
        found |= {str(entry["Id"]), *(str(reference).rpartition("@")[2] for reference in pushed)}
    return frozenset(found)
