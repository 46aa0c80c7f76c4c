"""Copies of what builds may see, below a work folder: exactly the files that an image's inputs name, as they were read.

BuildKit tells contexts apart by their folder's name, and notices changed files by size and time. So a folder is named
after its content, and a file that changes between the plan and the copy ends the build: no image carries a digest of
something else than it is made of.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from dockwright.build import inputs, parts
from dockwright.build.root import EPOCH
from dockwright.errors import DockwrightError


def copy(folder: Path, digests: Mapping[str, str], into: Path) -> Path:
    """Copy the files that `digests` names (path -> digest) below `into`.

    Raises DockwrightError where one is not what its digest says any more.
    """
    target = into / parts.digest({"": digests}).removeprefix(parts.DIGEST)[:32]
    if target.exists():
        return target
    target.mkdir(parents=True)
    for name in digests:
        data, executable = inputs.read(folder / name)
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(0o755 if executable else 0o644)
    copied = inputs.tree(target, digests)
    changed = [name for name, digest in digests.items() if copied[name] != digest]
    if changed:
        raise DockwrightError(f"{folder / changed[0]} changed after it was planned with", "run the same command again")
    return target


def texts(contents: Mapping[str, str], into: Path) -> Path:
    """Write generated files (path -> text) below `into`, every time set to the epoch: they are copied as is."""
    target = into / parts.digest({"": contents}).removeprefix(parts.DIGEST)[:32]
    for name, text in contents.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (EPOCH, EPOCH))
    for here, _, _ in os.walk(target):
        os.utime(here, (EPOCH, EPOCH))
    return target
