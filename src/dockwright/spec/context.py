"""What a build sees of a folder: everything but what is named here. Digests, staging and `check` all ask this page."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from dockwright.errors import UnreadableInput
from dockwright.spec.finding import printable

# What models, data and logs hold is given to a container when it runs; the others are caches and tests.
FOLDERS = {"__pycache__", "tests", "smoke", "models", "data", "logs"}
SUFFIXES = (".pyc", ".md")
# What locks and tests read, and no build: a new budget or floor rebuilds nothing. Which Debian packages a lock pins is
# a part of input digests by itself; who asks for them, and when they were locked, is not.
NAMES = {"requirements.in", "openapi.json", "family.toml", "apt.in", "apt.lock", "build-apt.in", "build-apt.lock"}


def files(folder: Path) -> Iterator[Path]:
    """Every file below a folder that a build sees, sorted. Raises UnreadableInput for what no build can take."""
    for path in found(folder):
        if why := unfit(path):
            raise UnreadableInput(f"{printable(str(path))} {why}", "mend or remove it; ./dockwright check names all")
        yield path


def found(folder: Path) -> Iterator[Path]:
    """What a build would see of a folder, fit for it or not; a link to a folder counts as a file."""
    for here, folders, names in os.walk(folder):
        kept = sorted(name for name in folders if not left_out_folder(name))
        links = {name for name in kept if (Path(here) / name).is_symlink()}
        folders[:] = [name for name in kept if name not in links]
        yield from (Path(here) / name for name in sorted({*names, *links}) if not left_out(name))


def left_out_folder(name: str) -> bool:
    """Whether nothing in a folder of this name reaches an image."""
    return name in FOLDERS or name.startswith(".") or name.endswith(SUFFIXES)


def left_out(name: str) -> bool:
    """Whether a file of this name reaches no image."""
    return name in NAMES or name.startswith(".") or name.endswith(SUFFIXES)


def unfit(path: Path) -> str:
    """Why no build can take a file; empty where one can."""
    try:
        str(path).encode()
        mode = path.stat().st_mode
    except UnicodeEncodeError:
        return "has a name that is not UTF-8, which no build takes"
    except OSError as error:
        if path.is_symlink():
            return f"is a symbolic link to {path.readlink()}, which is not there"
        return f"cannot be read: {error.strerror}"
    if stat.S_ISREG(mode):
        return "" if os.access(path, os.R_OK) else "cannot be read: Permission denied"
    if stat.S_ISDIR(mode):
        return "is a symbolic link to a folder, and builds do not follow those"
    return "is no file but a socket, a pipe or a device"
