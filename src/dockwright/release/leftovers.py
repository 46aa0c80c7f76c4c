"""What lies in the state directory and nothing needs any more: earlier roots, versions of tools, notes of old locks."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dockwright.build import tools, twice
from dockwright.build.root import LATELY, roots_dir
from dockwright.engine.state import state_dir
from dockwright.lock import deb_tasks
from dockwright.lock.inventory import Inventory
from dockwright.spec.model import Fleet

DAY = 86400
ROOT = re.compile(r"(?P<name>.+)-[0-9a-f]{16}")


@dataclass(frozen=True)
class Leftover:
    """Files that may go. `remove` removes them; it does nothing where they are gone already."""

    kind: str
    paths: tuple[Path, ...]
    why: str
    remove: Callable[[], None]

    @property
    def name(self) -> str:
        home = state_dir()
        first = self.paths[0].relative_to(home)
        return str(first) if len(self.paths) == 1 else f"{first.parent}: {len(self.paths)} files"

    @property
    def size(self) -> int:
        return sum(map(own_size, self.paths))


def leftovers(fleet: Fleet, root: Path, environments: Collection[str], days: int, now: float) -> list[Leftover]:
    """Everything that may go. `environments`: names of those that `dev` would use now; younger than `days` stays."""
    before = now - days * DAY
    found = [
        *_roots(fleet, min(before, now - LATELY)),
        *_tools(before),
        *_environments(environments, before),
        *_notes(fleet, root, before),
    ]
    if _old(twice.home(), before):
        found.append(Leftover("verify", (twice.home(),), "an interrupted verify left it", twice.clear))
    return [*found, *_interrupted(now)]


def _roots(fleet: Fleet, before: float) -> Iterator[Leftover]:
    """Roots of which a newer one is there, and those of a name that is no longer declared.

    What was used lately stays: another checkout on this host may stand on it.
    """
    known = {name.replace("/", ".") for root in fleet.roots for name in (root, root + deb_tasks.BUILD)}
    newest: dict[str, Path] = {}
    folders = [path for path in _inside(roots_dir()) if ROOT.fullmatch(path.name)]
    for path in sorted(folders, key=lambda path: path.stat().st_mtime):
        newest[_root_name(path)] = path
    for path in folders:
        name = _root_name(path)
        if name not in known:
            yield from _folder("roots", path, "no such root is declared", before)
        elif newest[name] != path:
            yield from _folder("roots", path, "a newer one took its place", before)


def _root_name(path: Path) -> str:
    found = ROOT.fullmatch(path.name)
    return found["name"] if found else ""


def _tools(before: float) -> Iterator[Leftover]:
    """Other versions of tools than those of now."""
    current = tools.current()
    names = {name.rpartition("-")[0] for name in current}
    for path in _inside(state_dir() / "tools"):
        if path.name not in current and (path.name in names or path.name.rpartition("-")[0] in names):
            yield from _folder("tools", path, "another version is in use", before)


def _environments(current: Collection[str], before: float) -> Iterator[Leftover]:
    """Those of other locks, and of other checkouts, which may be at work now."""
    for path in _inside(state_dir() / "dev" / "environments"):
        if path.name not in current and not _at_work(path):
            yield from _folder("environments", path, "no lock of a service is like it", before)


def _at_work(path: Path) -> bool:
    """Whether any process was started from a folder."""
    import psutil

    inside = f"{path}/"
    return any(
        any(word.startswith(inside) for word in one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])
    )


def _notes(fleet: Fleet, root: Path, before: float) -> Iterator[Leftover]:
    """What packages require, noted by the digest of a file that no lock pins."""
    inventory = Inventory(fleet, root, {})
    if len(inventory.python_locks) < len(inventory.python):
        return  # A lock that cannot be read pins nobody knows what.
    pinned = {
        digest.removeprefix("sha256:")
        for lock in inventory.python_locks.values()
        for pin in lock.pins.values()
        for digest in pin.hashes
    }
    old = [
        path for path in _inside(state_dir() / "lock" / "metadata") if path.stem not in pinned and _old(path, before)
    ]
    if old:
        yield Leftover("lock cache", tuple(old), "no lock pins these packages", lambda: _unlink(old))


def _interrupted(now: float) -> Iterator[Leftover]:
    """What runs that were killed have left half made; what is younger than a day may be somebody's work."""
    folders = (state_dir(), roots_dir(), state_dir() / "tools")
    for path in (path for folder in folders if folder.is_dir() for path in folder.iterdir()):
        if path.name.startswith(".") and path.is_dir():
            yield from _folder("interrupted", path, "never finished", now - DAY)


def _folder(kind: str, path: Path, why: str, before: float) -> Iterator[Leftover]:
    """A folder to be removed, unless it is too young."""
    if _old(path, before):
        yield Leftover(kind, (path,), why, lambda: shutil.rmtree(path, ignore_errors=True))


def _inside(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith(".")) if folder.is_dir() else []


def _old(path: Path, before: float) -> bool:
    try:
        return path.stat().st_mtime <= before
    except FileNotFoundError:
        return False


def _unlink(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def disk_size(path: Path) -> int:
    """The bytes that a file or folder takes on disk; a file with several names counts once."""
    return sum(size for _, _, size in _files(path))


def own_size(path: Path) -> int:
    """The bytes that go with a file or folder: not those of files that have another name elsewhere."""
    return sum(size for names, links, size in _files(path) if names == links)


def _files(path: Path) -> Iterator[tuple[int, int, int]]:
    """Of each file: how many names it has here, how many in all, and its bytes on disk."""
    found: dict[tuple[int, int], tuple[int, int, int]] = {}
    for one in (path, *path.rglob("*")) if path.is_dir() and not path.is_symlink() else (path,):
        try:
            told = one.lstat()
        except OSError:
            continue  # It went away meanwhile.
        names = found.get((told.st_dev, told.st_ino), (0, 0, 0))[0] + 1
        links = names if one.is_dir() and not one.is_symlink() else told.st_nlink
        found[told.st_dev, told.st_ino] = (names, links, told.st_blocks * 512)
    yield from found.values()
