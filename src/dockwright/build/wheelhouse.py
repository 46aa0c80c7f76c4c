"""The wheels of locks in a registry: kept there as artifacts, and taken from there in place of a package index.

An artifact holds the wheels and the lock that they were made for; its tag follows from the pins, so that nothing has
to be looked for. In a build, a folder with them takes the place of the stage that would have downloaded them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dockwright.build import bake, wheels
from dockwright.build.images import Image
from dockwright.build.oci import sha256_of
from dockwright.build.wheels import Wanted
from dockwright.engine.registry.place import Place
from dockwright.errors import DockwrightError, Unreachable

if TYPE_CHECKING:
    from dockwright.engine.registry.artifact import Artifact
    from dockwright.engine.registry.repository import Repository

Say = Callable[[str], None]
KIND = "application/vnd.dockwright.wheels.v1"
WHEEL, TEXT = "application/zip", "text/plain"
COMPILED = "io.dockwright.compiled"
REPOSITORY = "wheels"
AT_ONCE = 4


@dataclass(frozen=True)
class Kept:
    """The wheels of one lock as a registry has them now, and how many bytes had to be moved."""

    name: str
    reference: str
    digest: str
    wheels: int
    moved: int
    was_there: bool


def repository(place: Place) -> Repository:
    from dockwright.engine.registry.repository import Repository

    return Repository(place.below(REPOSITORY))


def find(place: Place, wanted: Wanted) -> Artifact | None:
    """The artifact of a lock's wheels, its list held against the lock; None where there is none."""
    from dockwright.engine.registry import artifact

    kept = repository(place)
    found = artifact.look(kept, wanted.tag)
    if found is not None:
        if found.kind != KIND:
            raise DockwrightError(f"{kept.named(wanted.tag)} holds no wheels but {found.kind}")
        wheels.check(wanted, digests(found), kept.named(wanted.tag))
    return found


def digests(found: Artifact) -> dict[str, str]:
    """Wheel -> digest; what else an artifact holds is nothing to install."""
    return {name: what.digest for name, what in found.files.items() if name != wheels.LOCK}


def keep(place: Place, wanted: Wanted, folder: Path, say: Say) -> Kept:
    """Store the wheels in a folder, the lock with them, under the tag that the lock's pins give."""
    from dockwright.engine.registry import artifact
    from dockwright.engine.registry.artifact import File

    paths = sorted(folder.glob("*.whl"))
    wheels.check(wanted, {path.name: f"sha256:{sha256_of(path)}" for path in paths}, f"the build of {wanted.name}")
    compiled = wheels.compiled(wanted, (path.name for path in paths))
    files = [File(path.name, path, WHEEL, {COMPILED: "true"} if path.name in compiled else {}) for path in paths]
    files.append(File(wheels.LOCK, wanted.lock.read_bytes(), TEXT))
    kept, moved = repository(place), 0

    def count(size: int) -> None:
        nonlocal moved
        moved += size

    say(f"  {wanted.name}: {len(paths)} wheels, {sum(path.stat().st_size for path in paths) / 1e6:.1f} MB")
    notes = {"org.opencontainers.image.title": wanted.name}
    digest = artifact.push(kept, KIND, files, annotations=notes, tag=wanted.tag, moved=count)
    return Kept(wanted.name, kept.named(wanted.tag), digest, len(paths), moved, False)


def fetch(
    place: Place, images: Mapping[str, Image], missing: Mapping[str, Image], work: Path, say: Say
) -> dict[str, Path]:
    """Download what a registry has of the wheels that a build needs; target -> the folder that holds them.

    Raises DockwrightError for a wheel that is not what its lock says, before anything is built with it.
    """
    found: dict[str, Path] = {}
    try:
        for image in missing.values():
            wanted = wheels.wanted(images, image)
            artifact = find(place, wanted) if wanted else None
            if wanted and artifact:
                found[image.target] = _fetched(place, wanted, artifact, work / wanted.tag, say)
    except Unreachable as error:
        say(f"no wheels can be taken from {place}: {error}; the index is asked")
    return found


def _fetched(place: Place, wanted: Wanted, found: Artifact, folder: Path, say: Say) -> Path:
    from dockwright.engine.registry import artifact

    if folder.exists():
        return folder  # Two machines' images of one service have the same wheels.
    files = digests(found)
    size = sum(found.files[name].size for name in files) / 1e6
    say(f"  {len(files)} wheels of {wanted.name} from {place}: {size:.1f} MB")
    kept = repository(place)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda name: artifact.fetch(kept, found, [name], folder / wheels.STAGE), files))
    (folder / wheels.STAGE / wheels.INSTALLED).write_text(wheels.requirements(files))
    return folder


def in_place_of_downloads(definition: Mapping[str, Any], folders: Mapping[str, Path]) -> dict[str, object]:
    """A bake definition in which folders take the place of the stage that makes wheels; `folders`: target -> folder."""
    targets = dict(definition["target"])
    for name, folder in folders.items():
        maker = makes_wheels(definition, name)
        targets[maker] = {**targets[maker], "contexts": {**targets[maker]["contexts"], wheels.STAGE: str(folder)}}
    return {**definition, "target": targets}


def makes_wheels(definition: Mapping[str, Any], target: str) -> str:
    """The target that an image's own Dockerfile belongs to: its own, or the one that makes what is in it."""
    contents = f"{target}{bake.CONTENTS}"
    return contents if contents in definition["target"] else target
