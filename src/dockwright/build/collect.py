"""Takes the wheels that builds make or download out of the stage that does it, and keeps them in a registry."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dockwright.build import loading, make, store, tags, wheelhouse, wheels
from dockwright.build.images import Image
from dockwright.build.origin import read_origin
from dockwright.build.planning import Planned
from dockwright.build.staging import Sources, definition
from dockwright.build.wheelhouse import Kept
from dockwright.engine.docker import Docker
from dockwright.engine.registry.place import Place
from dockwright.engine.state import state_dir
from dockwright.spec.model import Fleet

Say = Callable[[str], None]
ONLY_THEM = f"FROM scratch\nCOPY --from={wheels.STAGE} /{wheels.STAGE} /\n"


def push(
    docker: Docker,
    fleet: Fleet,
    place: Place,
    planned: Planned,
    names: list[str],
    root: Path,
    say: Say,
) -> list[Kept]:
    """Keep the wheels of some images' locks in a registry; those that are there are neither built nor sent again."""
    done: list[Kept] = []
    for name in names:
        image = planned.images[name]
        wanted = wheels.wanted(planned.images, image)
        if wanted is None or wanted.name in {one.name for one in done}:
            continue
        there = wheelhouse.find(place, wanted)
        if there:
            reference = wheelhouse.repository(place).named(wanted.tag)
            done.append(Kept(wanted.name, reference, there.digest, len(wheelhouse.digests(there)), 0, True))
            continue
        with tempfile.TemporaryDirectory(prefix=".wheels-", dir=state_dir()) as work:
            say(f"wheels of {wanted.name}")
            folder = collect(docker, fleet, planned, image, root, Path(work), say)
            done.append(wheelhouse.keep(place, wanted, folder, say))
    return done


def collect(docker: Docker, fleet: Fleet, planned: Planned, image: Image, root: Path, work: Path, say: Say) -> Path:
    """Run the stage that makes an image's wheels, as a build does; returns a folder with them."""
    images = planned.images
    have = store.find(docker, images.values())
    present = {name: tags.by_input(each) for name, each in images.items() if each.input_digest in have}
    missing = {name: each for name, each in images.items() if name not in present or each is image}
    contexts = {name: loading.reference(docker, name, layout) for name, layout in planned.made.layouts.items()}
    sources = Sources(fleet, root, work, read_origin(root), contexts, planned.made.packages)
    made = definition(sources, missing, present)
    target = work / "collected"
    others = {name: each for name, each in missing.items() if each is not image}
    make.run_bake(docker, only_wheels(made, image.target, target, work), others, say)
    return target


def only_wheels(whole: Mapping[str, Any], target: str, into: Path, work: Path) -> dict[str, object]:
    """A bake definition that writes what one target's stage for wheels has made into a folder, and nothing else."""
    maker = wheelhouse.makes_wheels(whole, target)
    stage = {**whole["target"][maker], "target": wheels.STAGE, "output": ["type=cacheonly"], "tags": []}
    nothing = work / "nothing"
    nothing.mkdir(exist_ok=True)
    collected = {
        "context": str(nothing),
        "dockerfile-inline": ONLY_THEM,
        "contexts": {wheels.STAGE: f"target:{maker}"},
        "output": [f"type=local,dest={into}"],
    }
    targets = {**whole["target"], maker: stage, "collected": collected}
    return {"group": {"default": {"targets": ["collected"]}}, "target": targets}
