"""Brings the Debian packages that locks pin into this host's pool: each file's sha256 is held against its lock.

The pool is asked first, then the archive, then snapshots of it. Where nobody has a pinned version any more, the archive
as it is decides, which its distribution has signed; `locked` makes that a failure.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from dockwright.build import packages, pool, repository
from dockwright.build.archives import Archives
from dockwright.build.packages import Packages
from dockwright.errors import DockwrightError
from dockwright.lock import apt, deb_tasks, lists
from dockwright.lock.archive import Archive
from dockwright.lock.deb_tasks import DebTask
from dockwright.lock.debs import Deb, DebLock
from dockwright.lock.resolver import Stop
from dockwright.spec.model import Fleet

Say = Callable[[str], None]


class Supply:
    """The packages of some locks of one fleet. Used as a context: it keeps what archives said until it ends."""

    def __init__(self, fleet: Fleet, root: Path, stop: Stop, *, locked: bool, install: bool, say: Say) -> None:
        self._fleet, self._root, self._locked, self._install, self._say = fleet, root, locked, install, say
        self._tasks = deb_tasks.tasks(fleet, root)
        self._by_file = {task.file: task for task in self._tasks.values()}
        self._found: dict[str, Packages] = {}
        self._archives: dict[str, Archives] = {}
        self._stop = stop

    def __enter__(self) -> Supply:
        self._work = tempfile.TemporaryDirectory(prefix="dockwright-debs-")
        self._folder = Path(self._work.name)
        self._folder.chmod(0o755)  # apt reads below it as a user of its own
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._work.cleanup()
        pool.prune()

    def __contains__(self, name: str) -> bool:
        return name in self._tasks

    def know(self, of: Packages) -> None:
        """Packages that a root on this host was made of: they need not be in the pool."""
        self._found[of.name] = of

    def packages(self, name: str) -> Packages:
        """The packages of a lock, which are in the pool from now on.

        Raises Unreachable where the archive does not answer, DockwrightError where they cannot be had as they must be.
        """
        if name not in self._found:
            self._found[name] = self._obtain(self._tasks[name])
        return self._found[name]

    def _obtain(self, task: DebTask) -> Packages:
        above = [self.packages(self._by_file[file].name) for file in task.above]
        lock = packages.checked(task, self._fleet, self._root)
        # A lock fits what it was made on top of: on other packages, apt has to look anew.
        missing = list(lock.debs.values())
        if all(each.as_locked for each in above):
            missing = _missing(lock.debs)
        if not missing:
            packages.forget(task.name)
            return Packages(task.name, lock.debs)
        noted = None if self._locked else packages.noted_instead(task, lock, above)
        if noted and not _missing(noted.debs):
            return noted
        if all(each.as_locked for each in above):
            missing = self._fetch(task, lock, missing)
        if not missing:
            packages.forget(task.name)
            return Packages(task.name, lock.debs)
        if self._locked:
            packages.note_gone(task, lock)
            raise _gone(task, missing)
        # What is known of a root may not be in the pool, and apt has to read it.
        return self._instead(task, lock, [self._obtain(self._by_file[file]) for file in task.above])

    def _fetch(self, task: DebTask, lock: DebLock, missing: list[Deb]) -> list[Deb]:
        """Download pinned packages; those that nobody has any more are returned."""
        for archive in self._of(task).every(lock.head.get("archive", "")):
            offered = archive.offered(missing)
            _unchanged(task, missing, offered)
            here = [deb for deb in missing if (deb.name, deb.version) in offered]
            self._download(task, archive, here)
            missing = [deb for deb in missing if deb not in here]
            if not missing:
                break
        return missing

    def _instead(self, task: DebTask, lock: DebLock, above: Sequence[Packages]) -> Packages:
        """What the archive as it is has for what a lock is for."""
        archive = self._of(task).now()
        have = apt.present(self._fleet, task, [of.debs for of in above])
        found = apt.newest(task, self._fleet, self._root, archive, control(have, self._folder / "above"))
        self._download(task, archive, _missing(found))
        made = packages.note_instead(task, lock, above, found)
        self._say(str(made))
        return made

    def _download(self, task: DebTask, archive: Archive, debs: list[Deb]) -> None:
        if not debs:
            return
        self._say(
            f"{task.name}: downloading {len(debs)} Debian packages ({sum(deb.size for deb in debs) / 1e6:.0f} MB)"
        )
        with tempfile.TemporaryDirectory(prefix="files-", dir=self._folder) as work:
            files = archive.download(debs, Path(work) / "debs")
            try:
                for deb in debs:
                    pool.keep(files[deb.name], deb)
            except OSError as error:
                says = f"{task.name}: its packages cannot be kept in {pool.folder()}: {error.strerror or error}"
                raise DockwrightError(says, "make room there and run it again") from error

    def _of(self, task: DebTask) -> Archives:
        if task.root not in self._archives:
            lists.ensure_maker(allowed=self._install, say=self._say)
            base = self._fleet.roots[task.root]
            self._say(f"{task.name}: reading the archive of {base.suite}")
            self._archives[task.root] = Archives(base, self._folder / task.root, self._stop)
        return self._archives[task.root]


def _gone(task: DebTask, missing: list[Deb]) -> DockwrightError:
    named = ", ".join(f"{deb.name} {deb.version}" for deb in missing[: packages.SHOWN])
    more = f" and {len(missing) - packages.SHOWN} more" if len(missing) > packages.SHOWN else ""
    says = f"{task.name} cannot be made as locked: neither the archive nor a snapshot has {named}{more}"
    return DockwrightError(says, "./dockwright lock takes what the archive has now; or name a $DOCKWRIGHT_SNAPSHOT")


def _missing(debs: Mapping[str, Deb]) -> list[Deb]:
    return [deb for deb in debs.values() if pool.find(deb) is None]


def _unchanged(task: DebTask, wanted: Iterable[Deb], offered: Mapping[tuple[str, str], set[str]]) -> None:
    """Raise DockwrightError where an archive has a pinned version with other content: no archive ever does that."""
    for deb in wanted:
        there = offered.get((deb.name, deb.version), {deb.sha256})
        if deb.sha256 not in there:
            says = (
                f"{task.file}:{deb.line}: {deb.name} {deb.version} is {deb.sha256} here and {min(there)} in the archive"
            )
            raise DockwrightError(says, "find out who changed it; ./dockwright lock takes what the archive has signed")


def control(debs: Iterable[Deb], work: Path) -> dict[str, str]:
    """Package -> its control paragraph, as its file itself holds it."""
    with tempfile.TemporaryDirectory(prefix="control-", dir=_made(work)) as folder:
        files = pool.copy(debs, Path(folder) / "debs")
        return {name: repository.paragraph(file) for name, file in files.items()}


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder
