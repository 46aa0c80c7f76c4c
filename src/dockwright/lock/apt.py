"""Locks of Debian packages, made from an archive: each root's, and what each family's apt.in brings on top."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from dockwright.lock import debs, lists, made
from dockwright.lock.archive import Archive
from dockwright.lock.deb_tasks import DebTask, asked, input_digest, parent_digest
from dockwright.lock.debs import Deb, DebLock
from dockwright.lock.resolver import Stop
from dockwright.lock.text import write
from dockwright.spec.finding import Finding
from dockwright.spec.model import Fleet

# What a root has before its own packages: the variant's, and on Debian the package that keeps usrmerge's perl out.
FIRST = {"debian": ("?essential", "usr-is-merged"), "ubuntu": ("?essential",)}


def make(fleet: Fleet, chosen: Iterable[DebTask], root: Path, stop: Stop) -> list[tuple[DebTask, DebLock, bool]]:
    """Make the locks of one root and of families on it, in order: (task, lock, whether its file changed).

    Raises Unreachable when the archive does not answer, CommandFailed with apt's words.
    """
    tasks = list(chosen)
    with opened(fleet, tasks[0].root, stop) as archive:
        state = archive.state
        return [(task, *_one(task, fleet, root, archive, state)) for task in tasks]


def verify(fleet: Fleet, chosen: Iterable[DebTask], root: Path, stop: Stop) -> list[Finding]:
    """Whether the archive still has every locked package of one root and of families on it, with its sha256."""
    tasks = list(chosen)
    found = []
    with opened(fleet, tasks[0].root, stop) as archive:
        for task in tasks:
            locked = debs.read(root / task.file, str(task.file)).debs
            there = archive.offered(locked.values())
            for deb in locked.values():
                if deb.sha256 not in there.get((deb.name, deb.version), set()):
                    says = f"the archive of {archive.suite} has no {deb.name} {deb.version} with this sha256 any more"
                    found.append(Finding("lock-hashes", "error", deb.name, str(task.file), deb.line, says))
    return found


@contextmanager
def opened(fleet: Fleet, name: str, stop: Stop) -> Iterator[Archive]:
    """What the archive of a root's distribution offers now. Raises Unreachable when it does not answer."""
    base = fleet.roots[name]
    with tempfile.TemporaryDirectory(prefix="dockwright-apt-") as work:
        folder = Path(work)
        folder.chmod(0o755)  # apt reads keys and lists as a user of its own
        keys = lists.keyring(base.distribution, folder, stop)
        yield lists.read(base.distribution, base.suite, folder / "archive", stop, keys)


def _one(task: DebTask, fleet: Fleet, root: Path, archive: Archive, state: str) -> tuple[DebLock, bool]:
    wanted = asked(task, fleet, root)
    above = [debs.read(root / path, str(path)) for path in task.above]
    have = present(fleet, task, [lock.debs for lock in above])
    found = newest(task, fleet, root, archive, archive.stanzas(have) if have else {})
    stanzas = archive.stanzas(found.values()) if found else {}
    noted = noted_via(found, stanzas, wanted, task.asked.name if task.asked else "fleet.toml")
    head = {"for": f"{task.name}, {archive.suite}", "inputs": input_digest(task, fleet, root)}
    if above:
        head["parent"] = parent_digest(above)
    head |= {"archive": state, **made.sealed(root / task.file, found)}
    return DebLock(head, noted), write(root, task.file, debs.render(head, noted.values()))


def present(fleet: Fleet, task: DebTask, above: Sequence[Mapping[str, Deb]]) -> list[Deb]:
    """The packages that a family finds: those of all locks above it, without what is purged from its root."""
    purged = () if task.builds else fleet.roots[task.root].purged
    return [deb for debs in above for deb in debs.values() if debs is not above[0] or deb.name not in purged]


def newest(task: DebTask, fleet: Fleet, root: Path, archive: Archive, have: Mapping[str, str]) -> dict[str, Deb]:
    """What an archive has now for what a lock is for. `have`: package -> paragraph, of what is there already."""
    first = () if task.asked else FIRST[fleet.roots[task.root].distribution]
    wanted = [name for name in asked(task, fleet, root) if name not in have]
    return archive.closure(status(have.values()), [*first, *wanted])


def status(stanzas: Iterable[str]) -> str:
    """A dpkg status file in which these packages are installed, and ask for nothing that was purged."""
    asking = re.compile(r"^(?:Pre-)?Depends:.*\n?", re.MULTILINE)
    return "".join(f"{asking.sub('', text).rstrip()}\nStatus: install ok installed\n\n" for text in stanzas)


def noted_via(
    found: Mapping[str, Deb], stanzas: Mapping[str, str], wanted: Iterable[str], asker: str
) -> dict[str, Deb]:
    """The packages, each with who depends on it."""
    via: dict[str, set[str]] = {name: set() for name in found}
    for name in wanted:
        via.setdefault(name, set()).add(asker)
    for name, text in stanzas.items():
        for line in re.findall(r"^(?:Pre-)?Depends: (.+)$", text, re.MULTILINE):
            for other in re.findall(r"(?:^|[,|])\s*([a-z0-9][a-z0-9.+-]+)", line):
                via.setdefault(other, set()).add(name)
    essential = {name for name, text in stanzas.items() if re.search(r"^Essential: yes$", text, re.MULTILINE)}
    for name in essential & set(found):
        via[name].add("essential")
    return {name: replace(deb, via=tuple(sorted(via[name]))) for name, deb in found.items()}
