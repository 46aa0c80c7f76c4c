"""Copies of what builds may see, below a work folder: exactly the files that an image's inputs name, as they were read.

BuildKit tells contexts apart by their folder's name, all but the main one by their own name and the main one's, and
notices changed files by size and time. So a folder is named after its content, and no file has the time of another
content. A file that changes between the plan and the copy ends the build: no image carries a digest of something else
than it is made of.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from dockwright.build import inputs, parts
from dockwright.build.root import EPOCH
from dockwright.errors import DockwrightError

SECOND = 1_000_000_000  # nanoseconds


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
    """Write generated files (path -> text) below `into`, every time set to the epoch: they are copied as is.

    The fraction of the second follows from the content. Layers have whole seconds, and BuildKit sees that a file of
    the same length is another one.
    """
    target = into / parts.digest({"": contents}).removeprefix(parts.DIGEST)[:32]
    for name, text in contents.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        moment = EPOCH * SECOND + int(hashlib.sha256(text.encode()).hexdigest(), 16) % SECOND
        os.utime(path, ns=(moment, moment))
    for here, _, _ in os.walk(target):
        os.utime(here, (EPOCH, EPOCH))
    return target
