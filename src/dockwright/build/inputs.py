"""Input digests: sha256 over everything that decides an image. Equal digest, nothing to build."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from dockwright.spec import context


def tree_digest(folder: Path, only: Iterable[str] | None = None) -> str:
    """sha256 over path, executable bit and content of a folder's files; times do not count.

    Raises UnreadableInput for a file that no build can take.
    """
    made = hashlib.sha256()
    chosen = context.files(folder) if only is None else (folder / name for name in sorted(only))
    for path in chosen:
        executable = b"x" if os.access(path, os.X_OK) else b"-"
        made.update(b"%s\0%s\0" % (str(path.relative_to(folder)).encode(), executable))
        made.update(hashlib.sha256(path.read_bytes()).digest())
    return made.hexdigest()


def combine(parts: Mapping[str, str]) -> str:
    """One digest over named parts, in the order of their names."""
    made = hashlib.sha256()
    for name in sorted(parts):
        made.update(f"{name}\0{parts[name]}\0".encode())
    return f"sha256:{made.hexdigest()}"
