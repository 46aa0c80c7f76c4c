"""Debian packages that this host has, each known by its sha256: what was locked stays here when archives move on.

Nothing is taken from the pool whose content is not what its name says, so a damaged file is fetched again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from dockwright.build.oci import sha256_of
from dockwright.engine.state import state_dir
from dockwright.errors import DockwrightError
from dockwright.lock.debs import Deb

LIMIT = 10**9  # bytes: enough for a few dozen states of the roots of a fleet
MADE = ".deb"


def folder() -> Path:
    return state_dir() / "debs"


def find(deb: Deb) -> Path | None:
    """A package's file; None where there is none with its content. It counts as used now."""
    path = _path(deb)
    if not path.is_file():
        return None
    if f"sha256:{sha256_of(path)}" != deb.sha256:
        path.unlink(missing_ok=True)
        return None
    os.utime(path)
    return path


def keep(file: Path, deb: Deb) -> None:
    """Put a file into the pool. Raises DockwrightError when it is not the package's."""
    found = f"sha256:{sha256_of(file)}"
    if found != deb.sha256:
        raise DockwrightError(f"{deb.name} {deb.version}: downloaded {found}, and the lock says {deb.sha256}")
    folder().mkdir(parents=True, exist_ok=True)
    temporary = folder() / f".{os.getpid()}-{_path(deb).name}"
    try:
        shutil.copyfile(file, temporary)
        temporary.rename(_path(deb))
    finally:
        temporary.unlink(missing_ok=True)


def copy(debs: Iterable[Deb], into: Path) -> dict[str, Path]:
    """Package -> its file in a folder of exactly these packages, readable for everybody."""
    into.mkdir(parents=True)
    into.chmod(0o755)
    made = {}
    for deb in debs:
        found = find(deb)
        if found is None:
            raise DockwrightError(f"{deb.name} {deb.version} has just gone from {folder()}", "run it again")
        made[deb.name] = into / file_name(deb)
        shutil.copyfile(found, made[deb.name])
        made[deb.name].chmod(0o644)
    return made


def file_name(deb: Deb) -> str:
    """A package's file as apt names it."""
    return f"{deb.name}_{deb.version.replace(':', '%3a')}_{deb.arch}{MADE}"


def prune(limit: int = LIMIT) -> None:
    """Forget what was not used for longest, until the rest is no larger than `limit` bytes."""
    found = [(path, path.stat()) for path in folder().glob(f"*{MADE}")]
    total = sum(stat.st_size for _, stat in found)
    for path, stat in sorted(found, key=lambda pair: pair[1].st_mtime):
        if total <= limit:
            return
        path.unlink(missing_ok=True)
        total -= stat.st_size


def _path(deb: Deb) -> Path:
    return folder() / f"{deb.sha256.removeprefix('sha256:')}{MADE}"
