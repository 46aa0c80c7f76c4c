"""Locks of Debian packages: each root's, and what each family's apt.in brings on top of them."""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from dockwright.engine.state import write_atomically
from dockwright.errors import DockwrightError, UnreadableInput
from dockwright.lock import archive, debs
from dockwright.lock.debs import Deb, DebLock
from dockwright.lock.resolver import Stop
from dockwright.spec.document import text_of
from dockwright.spec.finding import Finding, SpecError
from dockwright.spec.model import Fleet, Root

ROOTS = Path("fleet/roots")
FAMILIES = Path("fleet/families")
PACKAGE = re.compile(r"^[a-z0-9][a-z0-9.+-]+$")
FORMAT = 1
# What a root has before its own packages: the variant's, and on Debian the package that keeps usrmerge's perl out.
FIRST = {"debian": ("?essential", "usr-is-merged"), "ubuntu": ("?essential",)}


@dataclass(frozen=True)
class DebTask:
    """One lock of Debian packages: a root's, or a family's on top of `above` (locks of its root and ancestors)."""

    name: str
    root: str
    file: Path
    above: tuple[Path, ...] = ()
    asked: Path | None = None  # apt.in; a root's packages stand in fleet.toml


@dataclass(frozen=True)
class Made:
    """A root that was made on this host: the digest of its image, and the OCI layout that it lies in."""

    digest: str
    folder: Path

    def packages(self) -> dict[str, str]:
        """Package -> version, as dpkg in the root's only layer counts them."""
        blobs = self.folder / "blobs"
        manifest = json.loads((blobs / self.digest.replace(":", "/")).read_text())
        with tarfile.open(blobs / manifest["layers"][0]["digest"].replace(":", "/")) as layer:
            entry = layer.extractfile("./var/lib/dpkg/status")
            text = entry.read().decode() if entry else ""
        return {
            fields["Package"]: fields["Version"]
            for paragraph in text.split("\n\n")
            if (fields := dict(re.findall(r"^(Package|Version): (\S+)$", paragraph, re.MULTILINE)))
        }


def tasks(fleet: Fleet, root: Path) -> dict[str, DebTask]:
    """Every lock of Debian packages by name: roots that are made and used, then families, parents first."""
    chains = {name: fleet.lineage(name) for name in fleet.by_generation()}
    used = {str(fleet.families[chain[0]].parent) for chain in chains.values()}
    made = {n: DebTask(n, n, ROOTS / f"{n}.lock") for n in fleet.roots if n in used and not fleet.roots[n].image}
    for name, chain in chains.items():
        top = str(fleet.families[chain[0]].parent)
        asked = FAMILIES / name / "apt.in"
        if (root / asked).is_file() and top in made:
            having = [made[family].file for family in chain[:-1] if family in made]
            made[name] = DebTask(name, top, FAMILIES / name / "apt.lock", (made[top].file, *having), asked)
    return made


def asked(task: DebTask, fleet: Fleet, root: Path) -> list[str]:
    """The packages that a lock is for. Raises SpecError with every line of apt.in that names none."""
    if task.asked is None:
        return [*fleet.roots[task.root].packages]
    names, wrong = [], []
    for number, line in enumerate(text_of(root / task.asked, str(task.asked)).splitlines(), 1):
        text = line.split("#", 1)[0].strip()
        if text and PACKAGE.match(text):
            names.append(text)
        elif text:
            says = "expected one package a line, such as libpulse0"
            wrong.append(Finding("lock-requirements", "error", text[:60], str(task.asked), number, says))
    if wrong:
        raise SpecError(wrong)
    return names


def input_digest(task: DebTask, fleet: Fleet, root: Path) -> str:
    """sha256 over everything that decides a lock, but for what it stands on and what the archive offers."""
    base: Root = fleet.roots[task.root]
    said = {
        "format": FORMAT,
        "suite": base.suite,
        "variant": base.variant,
        "asked": sorted(asked(task, fleet, root)),
        "arch": archive.ARCH,
    }
    return f"sha256:{hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()}"


def parent_digest(locks: Iterable[DebLock]) -> str:
    """The digest of everything that a family's Debian packages stand on."""
    joined = "\n".join(lock.digest for lock in locks)
    return f"sha256:{hashlib.sha256(joined.encode()).hexdigest()}"


def stale(task: DebTask, fleet: Fleet, root: Path, made: Mapping[str, Made]) -> list[Finding]:
    """Why a lock must be made again; empty when it need not."""
    shown = str(task.file)
    try:
        lock = debs.read(root / task.file, shown)
        above = [debs.read(root / path, str(path)) for path in task.above]
        digest = input_digest(task, fleet, root)
    except SpecError as error:
        return list(error.findings)
    except UnreadableInput as error:
        return [_finding("lock-unreadable", task.file.name, shown, str(error).removeprefix(f"{shown}: "))]
    found = []
    if lock.head.get("content") != lock.digest:
        says = "was changed by hand, or written by an older version; ./dockwright lock makes it again"
        found.append(_finding("lock-edited", "content", shown, says))
    if lock.head.get("inputs") != digest:
        source = task.asked or f"fleet/fleet.toml [roots.{task.root}]"
        found.append(_finding("lock-drift", "inputs", shown, f"was made from another {source} than now"))
    if above and lock.head.get("parent") != parent_digest(above):
        says = f"was made on top of other packages than {', '.join(map(str, task.above))}"
        found.append(_finding("lock-drift", "parent", shown, says))
    have = {name for other in (lock, *above) for name in other.debs}
    unpinned = [name for name in asked(task, fleet, root) if name not in have]
    found += [_finding("lock-closure", name, shown, "is asked for and not in the lock") for name in unpinned]
    mine = made.get(task.name)
    if mine and lock.head.get("digest") not in (None, mine.digest) and not other_packages(lock, mine):
        says = f"the root made here from these packages is {mine.digest}; the lock says otherwise"
        found.append(_finding("lock-root", "digest", shown, says))
    return found


def other_packages(lock: DebLock, made: Made) -> list[str]:
    """Packages in which a made root is not what its lock says: `curl 7.88.1 instead of 7.88.2`."""
    found = made.packages()
    wanted = {deb.name: deb.version for deb in lock.debs.values()}
    return [
        f"{name} {found.get(name, 'missing')} instead of {wanted.get(name, 'nothing')}"
        for name in sorted({*found, *wanted})
        if found.get(name) != wanted.get(name)
    ]


def make(fleet: Fleet, chosen: Iterable[DebTask], root: Path, stop: Stop) -> list[tuple[DebTask, DebLock, bool]]:
    """Make the locks of one root and of families on it, in order: (task, lock, whether its file changed).

    Raises Unreachable when the archive does not answer, CommandFailed with apt's words.
    """
    tasks = list(chosen)
    with _archive(fleet, tasks[0].root, stop) as lists:
        state = lists.state
        return [(task, *_one(task, fleet, root, lists, state)) for task in tasks]


def verify(fleet: Fleet, chosen: Iterable[DebTask], root: Path, stop: Stop) -> list[Finding]:
    """Whether the archive still has every locked package of one root and of families on it, with its sha256."""
    tasks = list(chosen)
    found = []
    with _archive(fleet, tasks[0].root, stop) as lists:
        for task in tasks:
            locked = debs.read(root / task.file, str(task.file)).debs
            there = lists.offered(locked.values())
            for deb in locked.values():
                if deb.sha256 not in there.get((deb.name, deb.version), set()):
                    says = f"the archive of {lists.suite} has no {deb.name} {deb.version} with this sha256 any more"
                    found.append(Finding("lock-hashes", "error", deb.name, str(task.file), deb.line, says))
    return found


@contextmanager
def _archive(fleet: Fleet, name: str, stop: Stop) -> Iterator[archive.Archive]:
    base = fleet.roots[name]
    with tempfile.TemporaryDirectory(prefix="dockwright-apt-") as work:
        folder = Path(work)
        folder.chmod(0o755)  # apt reads keys and lists as a user of its own
        keys = archive.keyring(base.distribution, folder, stop)
        yield archive.read(base.distribution, base.suite, folder / "archive", stop, keys)


def _one(task: DebTask, fleet: Fleet, root: Path, lists: archive.Archive, state: str) -> tuple[DebLock, bool]:
    wanted = asked(task, fleet, root)
    above = [debs.read(root / path, str(path)) for path in task.above]
    have = [deb for lock in above for deb in lock.debs.values()]
    installed = status(lists.stanzas(have).values()) if have else ""
    found = lists.closure(installed, [*(FIRST[fleet.roots[task.root].distribution] if not task.asked else ()), *wanted])
    stanzas = lists.stanzas(found.values()) if found else {}
    noted = noted_via(found, stanzas, wanted, task.asked.name if task.asked else "fleet.toml")
    head = {"for": f"{task.name}, {lists.suite}", "inputs": input_digest(task, fleet, root)}
    if above:
        head["parent"] = parent_digest(above)
    head["archive"] = state
    if sealed := _digest_of(root / task.file, found):
        head["digest"] = sealed
    return DebLock(head, noted), _write(root, task.file, debs.render(head, noted.values()))


def _digest_of(file: Path, found: Mapping[str, Deb]) -> str:
    """The digest that a root's old lock holds, where the packages are still the same."""
    try:
        before = debs.read(file, file.name)
    except UnreadableInput:
        return ""
    same = {name: deb.sha256 for name, deb in before.debs.items()} == {name: deb.sha256 for name, deb in found.items()}
    return before.head.get("digest", "") if same else ""


def seal(task: DebTask, root: Path, made: Made) -> bool:
    """Note the digest of a root that was made here from exactly the locked packages; whether the file changed."""
    lock = debs.read(root / task.file, str(task.file))
    if "digest" in lock.head or other_packages(lock, made):
        return False
    head = {key: value for key, value in lock.head.items() if key != "content"} | {"digest": made.digest}
    return _write(root, task.file, debs.render(head, lock.debs.values()))


def status(stanzas: Iterable[str]) -> str:
    """A dpkg status file in which these packages are installed."""
    return "".join(f"{text}\nStatus: install ok installed\n\n" for text in stanzas)


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


def _write(root: Path, file: Path, text: str) -> bool:
    target = root / file
    if target.is_file() and target.read_text() == text:
        return False
    try:
        write_atomically(target, text)
    except OSError as error:
        says = f"{file}: cannot be written: {error.strerror or error}"
        raise DockwrightError(says, "the old lock is as it was; make room and run it again") from None
    return True


def _finding(rule: str, path: str, file: str, says: str) -> Finding:
    return Finding(rule, "error", path, file, 1, says)
