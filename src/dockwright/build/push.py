"""Images into a registry: under the tag of their commit, and under their input digest, by which they are found again.

The engine sends layers, skips what is there, and names an image only when all of it is; so a push that broke off is
made good by the next one. An image of a work tree that no commit has gets no tag by its inputs: others could not tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dockwright.build import tags
from dockwright.build.images import Image
from dockwright.build.moving import Moving, mb
from dockwright.build.origin import Origin
from dockwright.build.pull import repository
from dockwright.build.store import Stored
from dockwright.engine import transfer
from dockwright.engine.docker import Docker
from dockwright.errors import DockwrightError

if TYPE_CHECKING:
    from dockwright.engine.registry.place import Place
    from dockwright.engine.registry.repository import Repository

Say = Callable[[str], None]


@dataclass(frozen=True)
class Pushed:
    """An image as the registry has it now, and how many bytes of it had to be moved."""

    name: str
    reference: str
    digest: str
    moved: int
    was_there: bool


def push(
    docker: Docker, place: Place, images: Mapping[str, Image], stored: Mapping[str, Stored], origin: Origin, say: Say
) -> list[Pushed]:
    """Push images, parents first: what a child shares with its parent is then in the registry already."""
    return [
        _push(docker, repository(place, image), name, image, stored[name], origin, say)
        for name, image in images.items()
    ]


def _push(
    docker: Docker, target: Repository, name: str, image: Image, stored: Stored, origin: Origin, say: Say
) -> Pushed:
    # This commit's tag where the image has it; else the one of the commit that built it.
    present = tags.by_commit(image, origin) in stored.references
    commit = tags.tag(image, origin) if present else stored.reference.rpartition(":")[2]
    digest, moved = _kept(target, commit, stored), 0
    there = digest is not None
    if digest is None:
        digest, sent = _send(docker, target, commit, stored, Moving(name, say))
        moved = sent.exactly(_sizes(target, digest))
        say(f"  {name}: moved {mb(moved)}")
    # Whoever built from these inputs first named the image that all others find.
    if not stored.dirty and target.digest(tags.input_tag(image)) is None:
        target.tag(digest, tags.input_tag(image))
    return Pushed(name, target.named(commit), digest, moved, there)


def _kept(target: Repository, commit: str, stored: Stored) -> str | None:
    """The digest under which a registry has this very image with this tag; None where it has not."""
    kept = target.get(commit)
    if kept is None:
        return None
    # An engine with a graph driver knows images by their configuration, not by their manifest.
    config = getattr(kept.document, "config", None)
    return kept.digest if stored.digest in (kept.digest, config and config.digest) else None


def _sizes(target: Repository, digest: str) -> dict[str, int]:
    kept = target.get(digest)
    return {layer.digest: layer.size for layer in getattr(kept and kept.document, "layers", ())}


def _send(
    docker: Docker, target: Repository, commit: str, stored: Stored, follow: Moving
) -> tuple[str, transfer.Moved]:
    reference = target.named(commit)
    borrowed = reference != stored.reference
    if borrowed:
        docker.run("tag", stored.reference, reference)
    try:
        return transfer.push(docker, reference, target.place, follow)
    except DockwrightError:
        target.digest(commit)  # Where the registry is the reason, it says so better than the engine does.
        raise
    finally:
        if borrowed:
            docker.run("image", "rm", "--no-prune", reference, check=False)
