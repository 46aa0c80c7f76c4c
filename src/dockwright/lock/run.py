"""All locks at once: parents before children, as many side by side as that allows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from dockwright.errors import CommandFailed, DockwrightError
from dockwright.lock import apt, conflict, deb_drift, drift, lists, made, pins, python
from dockwright.lock.deb_tasks import DebTask
from dockwright.lock.made import Made
from dockwright.lock.resolver import Stop
from dockwright.lock.tasks import Task
from dockwright.spec.finding import Finding
from dockwright.spec.model import Fleet

Say = Callable[[str], None]
AT_ONCE = 4


@dataclass(frozen=True)
class Asked:
    """What the command line asks for."""

    upgrade: tuple[str, ...] = ()
    offline: bool = False
    install: bool = True


@dataclass
class Report:
    """What happened: which files changed, which locks of Debian packages were made anew, what is wrong or failed."""

    changed: list[str] = field(default_factory=list)
    renewed: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    failures: dict[str, DockwrightError] = field(default_factory=dict)


class Run:
    """One run over some tasks. `all_tasks` holds those above and below as well."""

    def __init__(
        self,
        fleet: Fleet,
        root: Path,
        asked: Asked,
        say: Say,
        *,
        roots: Mapping[str, Made] | None = None,
        gone: Collection[str] = (),
    ) -> None:
        """`roots`: those that were made on this host; `gone`: locks whose pins could not be had here any more."""
        self._fleet, self._root, self._asked, self._say = fleet, root, asked, say
        self._made, self._gone = roots or {}, gone
        self.stop = Stop()
        self.report = Report()

    def locks(self, tasks: Sequence[Task], debs: Sequence[DebTask]) -> Report:
        """Make what must be made. Ctrl-C ends every program that was started, and leaves the old locks."""
        self._all(self._python, tasks, self._debian, self._by_root(debs))
        self._seal(debs)
        return self.report

    def verify(self, tasks: Sequence[Task], debs: Sequence[DebTask]) -> Report:
        """Ask the index and the archives whether every locked file is still there with its hash. Writes nothing."""
        self._all(self._verify_python, tasks, self._verify_debian, self._by_root(debs, every=True))
        return self.report

    def _all(
        self,
        python_work: Callable[[Task], None],
        tasks: Sequence[Task],
        debian_work: Callable[[Sequence[DebTask]], None],
        groups: Sequence[Sequence[DebTask]],
    ) -> None:
        waiting = {task.name: task for task in tasks}
        with ThreadPoolExecutor(AT_ONCE, "lock") as pool:
            running: dict[Future[None], str] = {}
            try:
                for group in groups:
                    running[pool.submit(debian_work, group)] = f"{group[0].root} and above"
                while waiting or running:
                    for task in [task for task in waiting.values() if self._ready(task, waiting, running)]:
                        del waiting[task.name]
                        running[pool.submit(python_work, task)] = task.name
                    done, _ = wait(running, timeout=1, return_when=FIRST_COMPLETED)
                    for future in done:
                        self._ended(running.pop(future), future)
            except BaseException:
                self.stop.end()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _seal(self, debs: Sequence[DebTask]) -> None:
        """Roots that were made here from the locked packages: their digests belong into their locks."""
        for task in debs:
            here = self._made.get(task.name)
            if here and not self.report.failures and made.seal(task, self._root, here):
                self.report.changed.append(str(task.file))

    def _ready(self, task: Task, waiting: Mapping[str, Task], running: Mapping[Future[None], str]) -> bool:
        return task.parent not in waiting and task.parent not in running.values()

    def _ended(self, name: str, future: Future[None]) -> None:
        error = future.exception()
        if isinstance(error, OSError):
            where = f"{error.filename}: " if error.filename else ""
            says = f"{name} cannot be locked: {where}{error.strerror or error}"
            error = DockwrightError(says, "the old lock is as it was; mend that and run it again")
        if isinstance(error, DockwrightError):
            self.report.failures[name] = error
            self._say(f"{name}: {str(error).splitlines()[0]}")
        elif error is not None:
            raise error

    def _python(self, task: Task) -> None:
        if task.parent in self.report.failures:
            raise DockwrightError(f"{task.name} waits for {task.parent}", "mend that one first")
        touched = self._upgraded(task)
        if not touched and not drift.stale(task, self._root):
            return
        self._say(f"{task.name}: resolving")
        try:
            outcome = python.make(
                task, self._root, self.stop, upgrade=self._asked.upgrade if touched else (), offline=self._asked.offline
            )
        except CommandFailed:
            found = conflict.explain(task, self._root, self.stop, offline=self._asked.offline)
            self.report.findings += found
            if found:
                says = f"{task.name} cannot be locked: no set of versions keeps the floors of family.toml"
                raise DockwrightError(says, "choose one of the ways out above") from None
            raise
        if outcome.findings:
            self.report.findings += outcome.findings
            raise DockwrightError(f"{task.name}: what was resolved does not fit together; the old lock is as it was")
        if outcome.changed:
            self.report.changed.append(str(task.file))
        self._say(f"{task.name}: {len(outcome.pins)} packages, {'changed' if outcome.changed else 'unchanged'}")

    def _upgraded(self, task: Task) -> bool:
        """Whether a package that may move is this lock's own: what the parent pins cannot move here."""
        if not self._asked.upgrade or not (self._root / task.file).is_file():
            return False
        if "*" in self._asked.upgrade:
            return True
        mine = pins.read(self._root / task.file, str(task.file)).pins
        return any(name in mine for name in self._asked.upgrade)

    def _by_root(self, debs: Sequence[DebTask], *, every: bool = False) -> list[list[DebTask]]:
        """Locks of Debian packages that must be made, or all of them, those of one root together."""
        renew = every or "*" in self._asked.upgrade
        groups: dict[str, list[DebTask]] = {}
        for task in debs:
            if (
                renew
                or groups.get(task.root)
                or task.name in self._gone
                or deb_drift.stale(task, self._fleet, self._root, self._made)
            ):
                groups.setdefault(task.root, []).append(task)
        return list(groups.values())

    def _debian(self, group: Sequence[DebTask]) -> None:
        names = ", ".join(task.name for task in group)
        if self._asked.offline:
            raise DockwrightError(f"{names}: Debian packages cannot be locked offline", "run it without --offline")
        lists.ensure_maker(allowed=self._asked.install, say=self._say)
        self._say(f"{names}: reading the archive of {self._fleet.roots[group[0].root].suite}")
        for task, lock, changed in apt.make(self._fleet, group, self._root, self.stop):
            if changed:
                self.report.changed.append(str(task.file))
            self.report.renewed.append(task.name)
            self._say(f"{task.name}: {len(lock.debs)} Debian packages, {'changed' if changed else 'unchanged'}")

    def _verify_python(self, task: Task) -> None:
        self._say(f"{task.name}: asking the index")
        self.report.findings += python.verify(task, self._root, self.stop, offline=self._asked.offline)

    def _verify_debian(self, group: Sequence[DebTask]) -> None:
        lists.ensure_maker(allowed=self._asked.install, say=self._say)
        self._say(f"{', '.join(task.name for task in group)}: asking the archive")
        self.report.findings += apt.verify(self._fleet, group, self._root, self.stop)
