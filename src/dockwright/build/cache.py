"""Build caches in a registry, for the families that ask for one: another machine then does again only what changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dockwright.build.images import Image
from dockwright.build.wheelhouse import makes_wheels
from dockwright.engine.docker import Docker
from dockwright.engine.registry.place import Place
from dockwright.spec.model import Fleet

Say = Callable[[str], None]
TAG = "cache"
# One manifest with layers, which every registry takes. That a cache cannot be written is no reason to lose a build.
WRITTEN = "image-manifest=true,oci-mediatypes=true,ignore-error=true"


def modes(docker: Docker, fleet: Fleet, images: Mapping[str, Image], say: Say) -> dict[str, str]:
    """Target -> how much of its build is kept: `min`, the layers of the image, or `max`, those of its stages too."""
    found: dict[str, str] = {}
    for name, image in images.items():
        file = fleet.family_files.get(name)
        if image.instance is None and file is not None and file.cache != "off":
            found[image.target] = file.cache
    if found and docker.image_store != "containerd":
        say(f"the engine at {docker.host} keeps no caches in registries: its image store is a {docker.image_store}")
        return {}
    return found


def kept(definition: Mapping[str, Any], place: Place, modes: Mapping[str, str]) -> dict[str, object]:
    """A bake definition that reads and writes caches below a registry; `modes`: target -> min or max."""
    targets = dict(definition["target"])
    for name, mode in modes.items():
        maker = makes_wheels(definition, name)
        reference = f"type=registry,ref={place.below(name)}:{TAG}"
        caches = {"cache-from": [reference], "cache-to": [f"{reference},mode={mode},{WRITTEN}"]}
        targets[maker] = {**targets[maker], **caches}
    return {**definition, "target": targets}
