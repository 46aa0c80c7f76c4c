"""Roots that were made on this host: what they hold, and their digests, which belong into their locks."""

from __future__ import annotations

import json
import re
import tarfile
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
    """A root that was made on this host: the digest of its image, and the OCI layout that it lies in."""

    digest: str
    folder: Path

    def packages(self) -> dict[str, str]:
        """Package -> version, as dpkg in the root's only layer counts them."""
        blobs = self.folder / "blobs"
        manifest = json.loads((blobs / self.digest.replace(":", "/")).read_text())
        with tarfile.open(blobs / manifest["layers"][0]["digest"].replace(":", "/")) as layer:
            entry = layer.extractfile("./var/lib/dpkg/status")
            text = entry.read().decode() if entry else ""
        return {
            fields["Package"]: fields["Version"]
            for paragraph in text.split("\n\n")
            if (fields := dict(re.findall(r"^(Package|Version): (\S+)$", paragraph, re.MULTILINE)))
        }


def other_packages(lock: DebLock, made: Made) -> list[str]:
    """Packages in which a made root is not what its lock says: `curl 7.88.1 instead of 7.88.2`."""
    found = made.packages()
    wanted = {deb.name: deb.version for deb in lock.debs.values()}
    return [
        f"{name} {found.get(name, 'missing')} instead of {wanted.get(name, 'nothing')}"
        for name in sorted({*found, *wanted})
        if found.get(name) != wanted.get(name)
    ]


def sealed(file: Path, found: Mapping[str, Deb]) -> str:
    """The digest that a root's old lock holds, where the packages are still the same."""
    try:
        before = debs.read(file, file.name)
    except UnreadableInput:
        return ""
    same = {name: deb.sha256 for name, deb in before.debs.items()} == {name: deb.sha256 for name, deb in found.items()}
    return before.head.get("digest", "") if same else ""


def seal(task: DebTask, root: Path, made: Made) -> bool:
    """Note the digest of a root that was made here from exactly the locked packages; whether the file changed."""
    lock = debs.read(root / task.file, str(task.file))
    if "digest" in lock.head or other_packages(lock, made):
        return False
    head = {key: value for key, value in lock.head.items() if key != "content"} | {"digest": made.digest}
    return write(root, task.file, debs.render(head, lock.debs.values()))
