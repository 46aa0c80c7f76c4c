"""Builds images twice, on two builders and from two directories, and compares what comes out.

The second build starts from nothing: no cache, and where this host can run one, an engine of its own with an empty
store, without any downloaded package. Roots are made twice as well, each from exactly the locked packages; both builds
of images start from the first. Both carry the same commit and tag, which are labels, and so part of every image's
configuration.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dockwright.build import bake, loading, make
from dockwright.build import root as recipes
from dockwright.build.bases import AT_ONCE, Made
from dockwright.build.oci import Layout
from dockwright.build.origin import Origin, read_origin
from dockwright.build.planning import Planned
from dockwright.build.staging import Sources, definition
from dockwright.build.verify import Difference, Picture, differences, read_picture
from dockwright.engine import daemon
from dockwright.engine.docker import Docker
from dockwright.engine.state import dumps, locked, state_dir
from dockwright.errors import EngineUnavailable
from dockwright.lock import deb_tasks, debs
from dockwright.lock.deb_tasks import DebTask
from dockwright.lock.resolver import Stop
from dockwright.spec.model import Fleet

Say = Callable[[str], None]
SECOND_ENGINE = "a second engine with an empty store"
SAME_ENGINE = "the same engine, without cache"
# A dockerd uses the system's containerd where there is one, and with it the same store as every other.
SYSTEM_CONTAINERD = Path("/run/containerd/containerd.sock")


@dataclass(frozen=True)
class Compared:
    """One image of both builds."""

    name: str
    first: str
    second: str
    layers: int
    differences: tuple[Difference, ...]

    @property
    def identical(self) -> bool:
        return self.first == self.second and not self.differences


@dataclass(frozen=True)
class Report:
    """What two builds have shown. `builder`: what the second one was made on."""

    images: tuple[Compared, ...]
    builder: str
    first_seconds: float
    second_seconds: float

    @property
    def identical(self) -> bool:
        return all(image.identical for image in self.images)


def verify(docker: Docker, fleet: Fleet, planned: Planned, root: Path, say: Say) -> Report:
    """Build what is planned twice and compare. Raises CommandFailed where a build fails, EngineUnavailable."""
    if docker.image_store != "containerd":
        raise EngineUnavailable(
            f"the engine at {docker.host} cannot write images as OCI layouts",
            'set "features": {"containerd-snapshotter": true} in its daemon.json',
        )
    with alone(), emptied(home()):
        images = planned.images
        roots = roots_again(fleet, planned.made, root, home(), say)
        build = _Build(fleet, planned, root, home(), read_origin(root), say)
        say(f"first build of {len(images)} images, on the engine in use")
        began = time.monotonic()
        first = build.run(docker, "first")
        first_seconds, began = time.monotonic() - began, time.monotonic()
        with elsewhere(docker, home(), say) as (other, builder):
            say(f"second build, on {builder}")
            network = () if other is docker else build.on_host_network()
            second = build.run(other, "second", "--no-cache", *network)
        second_seconds = time.monotonic() - began
        say("comparing")
        return Report((*roots, *compared(first, second)), builder, first_seconds, second_seconds)


def roots_again(fleet: Fleet, made: Made, root: Path, home: Path, say: Say) -> list[Compared]:
    """Each root that images stand on, made once more and compared, also with the digest that its lock holds."""
    stop = Stop()

    def again(name: str) -> Compared:
        work = home / "roots" / name.replace("/", ".")
        work.mkdir(parents=True)
        say(f"root {name}, once more")
        second = recipes.produce(recipes.recipe(fleet, name), made.packages[name], work, say, stop)
        title, layout = f"root {name}", made.layouts[name]
        (one,) = compared({title: read_picture(layout.path)}, {title: read_picture(second.path)})
        shutil.rmtree(work)
        task = deb_tasks.tasks(fleet, root)[name]
        return replace(one, differences=(*one.differences, *_unlike_lock(title, layout, root, task)))

    with ThreadPoolExecutor(AT_ONCE, "root") as pool:
        try:
            return list(pool.map(again, made.layouts))
        except BaseException:
            stop.end()
            raise


def _unlike_lock(title: str, layout: Layout, root: Path, task: DebTask) -> Iterator[Difference]:
    head = debs.read(root / task.file, str(task.file)).head
    # Another mmdebstrap may write other bytes of the same packages.
    if head.get("maker") == recipes.maker() and head.get("digest") != layout.digest:
        yield Difference(title, "", "", f"{task.file} says {head.get('digest')}")


def home() -> Path:
    """Where both builds are made and thrown away."""
    return state_dir() / "verify"


def alone() -> AbstractContextManager[None]:
    """Held while anything is in there. Raises DockwrightError while another run of the tool holds it."""
    return locked(state_dir() / "verify.lock", "another verify runs on this machine")


def clear() -> None:
    """Remove what a run that was killed has left, its engine too. Raises DockwrightError while one runs."""
    with alone():
        _remove(home())


def compared(first: Mapping[str, Picture], second: Mapping[str, Picture]) -> Iterator[Compared]:
    """Each image of two builds, parents first: a layer that differs is looked into once."""
    told: set[tuple[str, str]] = set()
    for name, one in first.items():
        other = second[name]
        found = tuple(differences(name, one, other, told))
        yield Compared(name, one.digest, other.digest, len(one.layers), found)


@dataclass(frozen=True)
class _Build:
    fleet: Fleet
    planned: Planned
    root: Path
    home: Path
    origin: Origin
    say: Say

    def run(self, docker: Docker, name: str, *options: str) -> dict[str, Picture]:
        """Build from a new directory into layouts below `home/name`; image name -> what was built."""
        images = self.planned.images
        outputs = {image.target: self.home / name / image.target for image in images.values()}
        with tempfile.TemporaryDirectory(prefix=f"dockwright-verify-{name}-") as work:
            layouts = self.planned.made.layouts.items()
            contexts = {root: loading.reference(docker, root, layout) for root, layout in layouts}
            parts = Sources(self.fleet, self.root, Path(work), self.origin, contexts, self.planned.made.packages)
            made = definition(parts, images, {})
            make.run_bake(docker, into_layouts(made, outputs), images, self.say, *options)
        return {name: read_picture(outputs[image.target]) for name, image in images.items()}

    def on_host_network(self) -> tuple[str, ...]:
        """Options for a builder without networks of its own.

        A bake definition of buildx 0.13 cannot say so; a compose file, read first and then overridden, can.
        """
        names = [name for image in self.planned.images.values() for name in bake.targets(image)]
        services = {name: {"build": {"context": ".", "network": "host"}} for name in names}
        path = self.home / "network.yaml"  # JSON is YAML; the name's end tells bake what it is.
        path.write_text(dumps({"services": services}))
        return ("-f", str(path))


def into_layouts(definition: Mapping[str, Any], outputs: Mapping[str, Path]) -> dict[str, object]:
    """A bake definition whose targets are written as OCI layouts instead of stored; `outputs`: target -> folder."""
    targets = {
        name: {**target, "output": [f"type=oci,tar=false,dest={outputs[name]}"]} if name in outputs else target
        for name, target in definition["target"].items()
    }
    return {**definition, "target": targets}


@contextmanager
def elsewhere(docker: Docker, home: Path, say: Say) -> Iterator[tuple[Docker, str]]:
    """Another builder than `docker`'s where this host can run one, and what it is in words."""
    if os.geteuid() != 0 or SYSTEM_CONTAINERD.exists() or not daemon.program():
        yield docker, SAME_ENGINE
        return
    own = _engine(home)
    try:
        yield daemon.start(own, docker.program, say), SECOND_ENGINE
    finally:
        daemon.stop(own)


@contextmanager
def emptied(home: Path) -> Iterator[None]:
    """A folder that is new and goes away; what a killed run left in it, its engine too, goes first."""
    _remove(home)
    home.mkdir(parents=True)
    try:
        yield
    finally:
        _remove(home)


def _remove(home: Path) -> None:
    daemon.stop(_engine(home))
    shutil.rmtree(_engine(home).run, ignore_errors=True)
    shutil.rmtree(home, ignore_errors=True)


def _engine(home: Path) -> daemon.Daemon:
    return daemon.Daemon(home / "engine", builds_only=True)
