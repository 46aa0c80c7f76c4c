"""Builds what is missing: every family and instance whose input digest neither the engine nor a registry has."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dockwright.build import cache, loading, wheelhouse
from dockwright.build.images import Image
from dockwright.build.origin import read_origin
from dockwright.build.planning import Planned
from dockwright.build.staging import Parts, definition
from dockwright.build.steps import Steps
from dockwright.build.store import Stored, stored, usable
from dockwright.engine.docker import Docker
from dockwright.engine.registry.place import Place
from dockwright.errors import CommandFailed
from dockwright.spec.model import Fleet

Say = Callable[[str], None]


@dataclass(frozen=True)
class Built:
    """The outcome of a build: every image asked for, which of them were built now, and which came from a registry."""

    images: Mapping[str, Image]
    stored: Mapping[str, Stored]
    new: tuple[str, ...]
    pulled: tuple[str, ...]
    seconds: float

    def of(self, name: str) -> Stored:
        return self.stored[self.images[name].input_digest]


def build(docker: Docker, fleet: Fleet, planned: Planned, root: Path, say: Say, registry: Place | None = None) -> Built:
    """Build what the engine lacks in one bake run; skips bake where it lacks nothing.

    `registry`: where wheels may be that would have to be downloaded or compiled. Raises CommandFailed.
    """
    began = time.monotonic()
    images, origin = planned.images, read_origin(root)
    have = usable(stored(docker), origin)
    missing = {name: image for name, image in images.items() if image.input_digest not in have}
    if missing:
        say(f"building {len(missing)} of {len(images)} images: {', '.join(missing)}")
        present = {name: have[image.input_digest].reference for name, image in images.items() if name not in missing}
        with tempfile.TemporaryDirectory(prefix="dockwright-build-") as work:
            layouts = planned.made.layouts.items()
            contexts = {name: loading.reference(docker, name, layout) for name, layout in layouts}
            parts = Parts(fleet, root, Path(work), origin, contexts, planned.made.packages)
            wanted = definition(parts, missing, present)
            if registry:
                fetched = wheelhouse.fetch(registry, images, missing, Path(work) / "wheels", say)
                wanted = wheelhouse.in_place_of_downloads(wanted, fetched)
                wanted = cache.kept(wanted, registry, cache.modes(docker, fleet, missing, say))
            run_bake(docker, wanted, missing, say)
        have = usable(stored(docker), origin)
    return Built(images, have, tuple(missing), planned.pulled, time.monotonic() - began)


def run_bake(
    docker: Docker, wanted: Mapping[str, object], images: Mapping[str, Image], say: Say, *options: str
) -> None:
    """Run bake, telling what is done as it is; a failure carries what the failing step wrote."""
    steps = Steps({image.target: name for name, image in images.items()}, say)
    words = ("buildx", "bake", "--progress=plain", "--provenance=false", *options, "-f", "-", "default")
    try:
        docker.stream(*words, on_line=steps.follow, stdin=json.dumps(wanted))
    except CommandFailed as error:
        output = "\n".join(steps.broken) or error.output
        raise CommandFailed("the build failed", "mend the step above and run again", output) from error
