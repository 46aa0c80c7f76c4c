"""What a registry has of a plan's images, by their inputs; and what it has of earlier ones, to tell changes against.

Everything in a registry may have been written by anybody: what is not of the shape that this tool writes is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dockwright.build import parts, pull
from dockwright.build.images import LABEL_INPUT, LABEL_PARTS, Image
from dockwright.build.store import Stored
from dockwright.errors import DockwrightError

if TYPE_CHECKING:
    from dockwright.engine.registry.place import Place
    from dockwright.engine.registry.repository import RemoteImage

Say = Callable[[str], None]
# Tags of one day have no order: that many of the newest are compared with, and the nearest one is told.
NEWEST = 3


@dataclass(frozen=True)
class Remote:
    """A registry, compressed bytes of the images that it has of a plan's, and of their layers by diff id."""

    place: str = ""
    images: Mapping[str, int] = field(default_factory=dict)
    layers: Mapping[str, int] = field(default_factory=dict)


def read(place: Place, images: Mapping[str, Image], say: Say) -> Remote:
    """What a registry has. One that does not answer is told, and has nothing."""
    try:
        found = pull.look(place, images, say)
    except DockwrightError as error:
        say(f"what {place} has is not known: {error}")
        return Remote()
    layers = {layer: size for remote in found.values() for layer, size in _layers(remote).items()}
    return Remote(str(place), {name: sum(_layers(remote).values()) for name, remote in found.items()}, layers)


def _layers(remote: RemoteImage) -> dict[str, int]:
    """Diff id -> compressed bytes."""
    rootfs: Any = remote.config.get("rootfs")
    listed: Any = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    sizes = [layer.size for layer in remote.layers]
    return dict(zip(map(str, listed), sizes, strict=False)) if isinstance(listed, list) else {}


def earlier(place: Place, images: Mapping[str, Image], say: Say) -> list[Stored]:
    """The newest images that a registry has of the same names, whatever their inputs."""
    try:
        with ThreadPoolExecutor(pull.AT_ONCE) as pool:
            found = pool.map(lambda image: _earlier(place, image), images.values())
            return [stored for each in found for stored in each]
    except DockwrightError as error:
        say(f"what {place} had before is not known: {error}")
        return []


def _earlier(place: Place, image: Image) -> list[Stored]:
    repository = pull.repository(place, image)
    ours = re.compile(rf"{re.escape(image.tag_prefix)}\d{{8}}-\w+(-dirty)?{re.escape(image.tag_suffix)}")
    newest = sorted(filter(ours.fullmatch, repository.tags()))[-NEWEST:]
    found = ((tag, repository.image(tag)) for tag in newest)
    return [_stored(image, repository.named(tag), remote) for tag, remote in found if remote]


def _stored(image: Image, reference: str, remote: RemoteImage) -> Stored:
    labels = remote.labels
    recorded = parts.recorded(labels.get(LABEL_PARTS, ""))
    sha, tag = (labels.get(f"org.opencontainers.image.{key}", "") for key in ("revision", "version"))
    return Stored(remote.digest, reference, sha, tag, labels.get(LABEL_INPUT, ""), image.name, parts=recorded)


def unknown(earlier: Iterable[Stored], images: Mapping[str, Image]) -> dict[str, Image]:
    """The images of which nothing earlier is known."""
    known = {stored.name for stored in earlier if stored.parts}
    return {name: image for name, image in images.items() if name not in known}
