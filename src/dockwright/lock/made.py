"""Roots that were made on this host: their digests belong into the locks of the packages that they were made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dockwright.errors import UnreadableInput
from dockwright.lock import debs
from dockwright.lock.deb_tasks import DebTask
from dockwright.lock.debs import Deb, DebLock
from dockwright.lock.text import write


@dataclass(frozen=True)
class Made:
    """A root that was made on this host: the digest of its image, the identity of its packages, what made it."""

    digest: str
    packages: str
    maker: str

    def fits(self, lock: DebLock) -> bool:
        """Whether it was made of exactly the packages of a lock."""
        return self.packages == debs.identity(lock.debs.values())

    def denies(self, lock: DebLock) -> bool:
        """Whether the same maker once made something else of these packages, as their lock says."""
        return self.fits(lock) and lock.head.get("maker") == self.maker and lock.head.get("digest") != self.digest


def sealed(file: Path, found: Mapping[str, Deb]) -> dict[str, str]:
    """What a root's old lock says of the root that was made, where the packages are still the same."""
    try:
        before = debs.read(file, file.name)
    except UnreadableInput:
        return {}
    same = debs.identity(before.debs.values()) == debs.identity(found.values())
    return {key: before.head[key] for key in ("digest", "maker") if same and key in before.head}


def seal(task: DebTask, root: Path, made: Made) -> bool:
    """Note the digest of a root that was made here from exactly the locked packages; whether the file changed."""
    lock = debs.read(root / task.file, str(task.file))
    if not made.fits(lock):
        return False
    head = {key: value for key, value in lock.head.items() if key != "content"}
    return write(root, task.file, debs.render(head | {"digest": made.digest, "maker": made.maker}, lock.debs.values()))
