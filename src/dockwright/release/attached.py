"""Bills of materials beside images in a registry: attached as OCI referrers, found by who asks for the image."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dockwright.build.images import Image
from dockwright.build.pull import repository
from dockwright.build.push import Pushed
from dockwright.build.store import Stored
from dockwright.engine.docker import Docker
from dockwright.engine.registry import artifact
from dockwright.engine.registry.artifact import File
from dockwright.engine.registry.place import Place
from dockwright.engine.registry.repository import Repository
from dockwright.errors import UnreadableInput
from dockwright.release import bills

Say = Callable[[str], None]
KIND = "application/vnd.cyclonedx+json"
NAME = "sbom.cdx.json"


def attach(
    docker: Docker,
    place: Place,
    images: Mapping[str, Image],
    stored: Mapping[str, Stored],
    pushed: list[Pushed],
    say: Say,
) -> dict[str, str]:
    """Attach to each pushed image the bill of materials that it carries; image -> the digest of the document.

    Two machines' images of one service have one document, and each its own attachment.
    """
    found = {}
    for one in pushed:
        target = repository(place, images[one.name])
        found[one.name] = attached(target, one.digest) or _attach(docker, target, one, stored[one.name], say)
    return {name: digest for name, digest in found.items() if digest}


def attached(target: Repository, image: str) -> str:
    """The digest of the document that is attached to an image; empty where there is none."""
    for each in artifact.referrers(target, image, KIND):
        held = artifact.look(target, each.digest)
        if held and held.subject == image and NAME in held.files:
            return held.files[NAME].digest
    return ""


def _attach(docker: Docker, target: Repository, one: Pushed, stored: Stored, say: Say) -> str:
    try:
        document = bills.of_image(docker, stored.digest)
    except UnreadableInput as error:
        say(f"  {one.name}: {error}")
        return ""
    file = File(NAME, document, KIND)
    artifact.push(target, KIND, [file], subject=one.digest)
    return file.descriptor().digest
