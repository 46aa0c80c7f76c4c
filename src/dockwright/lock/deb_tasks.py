"""Which locks of Debian packages there are: one for each root that is made, and one for each family with an apt.in.

Each root has another lock: of the root that builder stages on it start from, which no image holds. A family whose
builder compiles something has a build-apt.in, locked on top of that.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dockwright.lock.debs import ARCH, DebLock
from dockwright.spec.document import text_of
from dockwright.spec.finding import Finding, SpecError
from dockwright.spec.model import Fleet, Root

ROOTS = Path("fleet/roots")
FAMILIES = Path("fleet/families")
# What ends the name of a lock for builder stages.
BUILD = "/build"
# What builder stages start from: Python and what makes wheels.
BUILDER = ("ca-certificates", "python3", "python3-pip", "python3-wheel")
BUILDER_VARIANT = "essential"
PACKAGE = re.compile(r"^[a-z0-9][a-z0-9.+-]+$")
# Counts up when locks are made in another way, so that old ones are made again.
FORMAT = 2


@dataclass(frozen=True)
class DebTask:
    """One lock of Debian packages: a root's, or a family's on top of `above` (locks of its root and ancestors)."""

    name: str
    root: str
    file: Path
    above: tuple[Path, ...] = ()
    asked: Path | None = None  # apt.in; a root's packages stand in fleet.toml

    @property
    def builds(self) -> bool:
        """Whether it is of what builder stages work with, and nothing of it is shipped."""
        return self.name.endswith(BUILD)


def tasks(fleet: Fleet, root: Path) -> dict[str, DebTask]:
    """Every lock of Debian packages by name: roots that are made and used, families, parents first, then builders'."""
    chains = {name: fleet.lineage(name) for name in fleet.by_generation()}
    used = {str(fleet.families[chain[0]].parent) for chain in chains.values()}
    made = {n: DebTask(n, n, ROOTS / f"{n}.lock") for n in fleet.roots if n in used and not fleet.roots[n].image}
    for name, chain in chains.items():
        top = str(fleet.families[chain[0]].parent)
        asked = FAMILIES / name / "apt.in"
        if (root / asked).is_file() and top in made:
            having = [made[family].file for family in chain[:-1] if family in made]
            made[name] = DebTask(name, top, FAMILIES / name / "apt.lock", (made[top].file, *having), asked)
    builders = {n: DebTask(f"{n}{BUILD}", n, ROOTS / f"{n}.build.lock") for n in fleet.roots if n in made}
    made |= {task.name: task for task in builders.values()}
    for name, chain in chains.items():
        top = str(fleet.families[chain[0]].parent)
        asked = FAMILIES / name / "build-apt.in"
        if (root / asked).is_file() and top in builders:
            lock = FAMILIES / name / "build-apt.lock"
            made[f"{name}{BUILD}"] = DebTask(f"{name}{BUILD}", top, lock, (builders[top].file,), asked)
    return made


def asked(task: DebTask, fleet: Fleet, root: Path) -> list[str]:
    """The packages that a lock is for. Raises SpecError with every line of apt.in that names none."""
    if task.asked is None:
        return [*(BUILDER if task.builds else fleet.roots[task.root].packages)]
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
        "variant": BUILDER_VARIANT if task.builds else base.variant,
        "asked": sorted(asked(task, fleet, root)),
        "arch": ARCH,
        "purged": [] if task.builds else sorted(base.purged),
    }
    return f"sha256:{hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()}"


def parent_digest(locks: Iterable[DebLock]) -> str:
    """The digest of everything that a family's Debian packages stand on."""
    joined = "\n".join(lock.digest for lock in locks)
    return f"sha256:{hashlib.sha256(joined.encode()).hexdigest()}"
