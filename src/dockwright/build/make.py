"""Builds what is missing: every family and instance whose input digest neither the engine nor a registry has."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dockwright.build import cache, last, loading, planning, store, tags, wheelhouse
from dockwright.build.images import Image
from dockwright.build.plan import Plan
from dockwright.build.planning import Asked, Planned
from dockwright.build.staging import Sources, definition
from dockwright.build.steps import Steps
from dockwright.build.store import Stored
from dockwright.engine.docker import Docker, connect
from dockwright.engine.registry.place import Place
from dockwright.engine.state import in_turn, state_dir
from dockwright.errors import CommandFailed, DockwrightError, EngineUnavailable
from dockwright.spec.model import Fleet, Instance

Say = Callable[[str], None]
WORK = "build"  # below the state directory


@dataclass(frozen=True)
class Built:
    """The outcome of a build: what was planned, what came from a registry, and every image as the engine has it now."""

    plan: Plan
    pulled: tuple[str, ...]
    stored: Mapping[str, Stored]
    seconds: float

    @property
    def images(self) -> dict[str, Image]:
        return self.plan.images

    @property
    def new(self) -> tuple[str, ...]:
        """The images that were built now."""
        return tuple(self.plan.missing)

    def of(self, name: str) -> Stored:
        return self.stored[name]

    def how(self, name: str) -> str:
        """What was done with an image: `built`, `pulled`, `tagged` or `unchanged`."""
        if name in self.pulled:
            return "pulled"
        return {"build": "built", "tag": "tagged"}.get(self.plan.entries[name].action, "unchanged")


@contextmanager
def alone(say: Say) -> Iterator[None]:
    """One run at a time makes roots and images on a machine; the next one waits, and finds done what both wanted."""
    with in_turn(state_dir() / "build.lock", "another build runs on this machine", say):
        # What a killed build left, a host's credentials among it.
        shutil.rmtree(state_dir() / WORK, ignore_errors=True)
        yield


def ensure(
    docker: Docker,
    fleet: Fleet,
    families: Iterable[str],
    instances: Iterable[Instance],
    root: Path,
    asked: Asked,
    say: Say,
) -> tuple[Planned, Built]:
    """Make sure that an engine has some images and all that they stand on, but for those that cannot be built here."""
    with alone(say):
        planned = planning.prepare(docker, fleet, families, instances, root, asked, say)
        return planned, build(docker, fleet, planned, root, say, asked.registry)


def build(docker: Docker, fleet: Fleet, planned: Planned, root: Path, say: Say, registry: Place | None = None) -> Built:
    """Build what the engine lacks in one bake run, and tag what only lacks a tag; whoever calls it is `alone`.

    `registry`: where wheels may be that would have to be downloaded or compiled. Raises CommandFailed.
    """
    began = time.monotonic()
    made = planned.plan
    tag(docker, made, say)
    if made.missing:
        _bake(docker, fleet, planned, made, root, registry, say)
    stored = _now(docker, made)
    last.remember(made)
    return Built(made, planned.pulled, stored, time.monotonic() - began)


def _bake(
    docker: Docker, fleet: Fleet, planned: Planned, made: Plan, root: Path, registry: Place | None, say: Say
) -> None:
    missing = made.missing
    say(f"building {len(missing)} of {len(made.entries)} images: {', '.join(missing)}")
    present = {name: tags.by_input(entry.image) for name, entry in made.entries.items() if entry.stored}
    with work_folder() as work:
        layouts = planned.made.layouts.items()
        contexts = {name: loading.reference(docker, name, layout) for name, layout in layouts}
        sources = Sources(fleet, root, work, made.origin, contexts, planned.made.packages)
        wanted = definition(sources, missing, present)
        if registry:
            fetched = wheelhouse.fetch(registry, planned.images, missing, work / "wheels", say)
            wanted = wheelhouse.in_place_of_downloads(wanted, fetched)
            wanted = cache.kept(wanted, registry, cache.modes(docker, fleet, missing, say))
        run_bake(docker, wanted, missing, say)


def _now(docker: Docker, made: Plan) -> dict[str, Stored]:
    """Every image of a plan that was carried out. Raises DockwrightError for one that is not there."""
    new = store.find(docker, made.missing.values())
    found = {name: entry.stored or new.get(entry.image.input_digest) for name, entry in made.entries.items()}
    there = {name: stored for name, stored in found.items() if stored}
    if len(there) < len(found):
        lacking = ", ".join(found.keys() - there.keys())
        raise DockwrightError(f"the build ended well, and yet the engine lacks {lacking}", "run the same command again")
    return there


def tag(docker: Docker, made: Plan, say: Say) -> None:
    """Give images of equal inputs the tags that they lack."""
    wanted = [
        (entry.stored.digest, reference)
        for entry in made.of("tag").values()
        if entry.stored
        for reference in {entry.reference, tags.by_input(entry.image)} - entry.stored.references
    ]
    if wanted:
        say(f"tagging {len(made.of('tag'))} images that need no build")
        with ThreadPoolExecutor(store.AT_ONCE) as pool:
            list(pool.map(lambda pair: docker.run("tag", *pair), wanted))


@contextmanager
def work_folder() -> Iterator[Path]:
    """An empty folder for the contexts and secrets of one build."""
    work = state_dir() / WORK
    work.mkdir(parents=True, mode=0o700)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def run_bake(
    docker: Docker, wanted: Mapping[str, object], images: Mapping[str, Image], say: Say, *options: str
) -> None:
    """Run bake, telling what is done as it is; a failure carries what the failing step wrote.

    Raises CommandFailed, EngineUnavailable where it was the engine that ended.
    """
    steps = Steps({image.target: name for name, image in images.items()}, say)
    words = ("buildx", "bake", "--progress=plain", "--provenance=false", *options, "-f", "-", "default")
    try:
        docker.stream(*words, on_line=steps.follow, stdin=json.dumps(wanted))
    except CommandFailed as error:
        if connect(docker.program, docker.host) is None:
            remedy = "run the same command again: what was built is kept"
            raise EngineUnavailable(f"the engine at {docker.host} ended in the middle of the build", remedy) from error
        output = "\n".join(steps.broken) or error.output
        raise CommandFailed("the build failed", "mend the step above and run again", output) from error
