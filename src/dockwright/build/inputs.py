"""Files as inputs of images: a digest for each over executable bit and content. Times and owners do not count."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from dockwright.errors import UnreadableInput
from dockwright.lock import pins
from dockwright.spec import context

# Their comments say who asks for a package and from where it was read; what is installed, their other lines say.
LOCKS = {"requirements.lock", "build.lock"}
COMMENT = re.compile(rb"(?:^|\s+)#.*$", re.MULTILINE)


def tree(folder: Path, only: Iterable[str] | None = None) -> dict[str, str]:
    """Path below a folder -> digest, of every file that a build sees or of those named in `only`.

    Raises UnreadableInput for a file that no build can take.
    """
    chosen = context.files(folder) if only is None else (folder / name for name in sorted(only))
    return {str(path.relative_to(folder)): _digest(path, folder) for path in chosen}


def _digest(path: Path, folder: Path) -> str:
    data, executable = read(path)
    if path.name in LOCKS and path.parent == folder:
        data = COMMENT.sub(b"", data)
    return f"sha256:{hashlib.sha256((b'x' if executable else b'-') + data).hexdigest()}"


def read(path: Path) -> tuple[bytes, bool]:
    """A file's content, and whether anybody may execute it. Raises UnreadableInput."""
    try:
        with path.open("rb") as file:
            return file.read(), bool(path.stat().st_mode & 0o111)
    except OSError as error:
        raise UnreadableInput(f"{path} cannot be read: {error.strerror}", "run the same command again") from error


def pinned(folder: Path) -> dict[str, str]:
    """Package -> version, of every lock at the top of a folder: what a changed lock is told by."""
    found: dict[str, str] = {}
    for name in sorted(LOCKS):
        path = folder / name
        lines = read(path)[0].decode(errors="replace").splitlines() if path.is_file() else []
        found |= {match["name"]: match["version"] for match in map(pins.PIN.match, lines) if match}
    return found
