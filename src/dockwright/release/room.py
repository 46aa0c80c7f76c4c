"""Where the disk went: an engine's store by what it is for, and the state directory folder by folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dockwright.build.images import LABEL_INPUT, LABEL_ROLE
from dockwright.build.loading import REPOSITORY
from dockwright.engine.space import Image, Stored
from dockwright.release.leftovers import disk_size

PROJECT = "dockwright"  # the compose project of the fleet, which labels its volumes
# What folders of the state directory are for; one that is not named here goes by its own name.
FOLDERS = {
    "debs": "Debian packages",
    "dev": "dev: environments and state",
    "lock": "lock cache",
    "releases": "releases",
    "roots": "roots",
    "tools": "tools",
    "verify": "verify",
}


@dataclass(frozen=True)
class Use:
    """Bytes of one purpose, and how many things they are."""

    what: str
    size: int
    count: int


def of_engine(stored: Stored) -> Iterator[Use]:
    """An engine's store. A layer that several kinds of images share is counted with the first of them."""
    seen: set[str] = set()
    for what, kind in (("family", "families"), ("instance", "instances"), ("root", "roots"), ("", "other images")):
        chosen = [image for image in stored.images if _role(image) == what]
        yield Use(kind, _size(chosen, seen), len(chosen))
    yield Use("build cache", stored.of_cache, len(stored.cache))
    yield Use("containers", sum(one.size for one in stored.containers), len(stored.containers))
    for what, ours in (("volumes of the fleet", True), ("other volumes", False)):
        found = [one for one in stored.volumes if (one.project == PROJECT) is ours]
        yield Use(what, sum(one.size for one in found), len(found))
    yield Use("container logs", stored.logs, len(stored.containers))


def _role(image: Image) -> str:
    if any(name.startswith(f"{REPOSITORY}/") for name in image.references):
        return "root"
    return image.labels.get(LABEL_ROLE, "") if LABEL_INPUT in image.labels else ""


def _size(images: Iterable[Image], seen: set[str]) -> int:
    """The bytes of what has not been seen before."""
    new: dict[str, int] = {}
    for image in images:
        new |= {key: size for key, size in {**image.layers, **image.packed}.items() if key not in seen}
    seen.update(new)
    return sum(new.values())


def of_state(home: Path, store: Path) -> Iterator[Use]:
    """The state directory, but for `store`, which is an engine's own and counted there."""
    loose = 0
    for path in sorted(home.iterdir()) if home.is_dir() else ():
        if not path.is_dir():
            loose += disk_size(path)
        elif path == store.parent:
            others = [one for one in path.iterdir() if one != store]
            yield Use("engine: log and settings", sum(map(disk_size, others)), len(others))
        else:
            yield Use(FOLDERS.get(path.name, path.name), disk_size(path), len(list(path.iterdir())))
    yield Use("notes", loose, sum(not path.is_dir() for path in home.iterdir()) if home.is_dir() else 0)
