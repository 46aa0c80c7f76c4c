"""An engine that has some images: installed, started and built where need be, for every verb that needs them."""

from __future__ import annotations

from pathlib import Path

from dockwright.build import make
from dockwright.build.planning import Asked, Planned
from dockwright.cli.chosen import Chosen
from dockwright.cli.progress import Progress
from dockwright.engine import find
from dockwright.engine.docker import Docker
from dockwright.spec.model import Fleet


def ensured(
    fleet: Fleet, root: Path, wanted: Chosen, asked: Asked, say: Progress, seen: find.Seen | None = None
) -> tuple[Docker, Planned, make.Built]:
    """An engine that has these images and all that they stand on, but for those that cannot be built here."""
    docker = find.ensure(allowed=asked.install, say=say, seen=seen)
    return docker, *make.ensure(docker, fleet, wanted.families, wanted.instances, root, asked, say)
