"""Input digests: sha256 over everything that decides an image. Equal digest, nothing to build."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

IGNORED_FOLDERS = {"__pycache__", "tests", "models", "data", "logs", ".hypothesis", ".mypy_cache", ".pytest_cache"}
IGNORED_SUFFIXES = (".pyc", ".md")
# What locks and tests read, and no build: a new budget or floor rebuilds nothing.
IGNORED_NAMES = {"requirements.in", "openapi.json", "family.toml"}


def files(folder: Path) -> Iterator[Path]:
    """Every file below a folder that a build may see, sorted; what .dockerignore leaves out is left out here."""
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _ignored(name, IGNORED_FOLDERS))
        yield from (Path(here) / name for name in sorted(names) if not _ignored(name, IGNORED_NAMES))


def _ignored(name: str, names: set[str]) -> bool:
    return name in names or name.startswith(".") or name.endswith(IGNORED_SUFFIXES)


def tree_digest(folder: Path, only: Iterable[str] | None = None) -> str:
    """sha256 over path, executable bit and content of a folder's files; times do not count."""
    made = hashlib.sha256()
    chosen = files(folder) if only is None else (folder / name for name in sorted(only))
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
