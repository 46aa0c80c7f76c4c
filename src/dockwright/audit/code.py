"""What code imports, held against the lock of the image that it runs in. Pure: everything was read before.

missing     imported, and no locked package brings it
transitive  imported, and only there because another package asks for what brings it
optional    imported where the code can go on without it, and not there
unknown     nothing says which modules some locked packages bring, so it cannot be told
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dockwright.audit.declared import Declared
from dockwright.audit.imports import Import, imports, standard
from dockwright.audit.modules import Modules
from dockwright.check.sources import Source
from dockwright.lock.pins import Lock
from dockwright.lock.tasks import KIT as KIT_ASKS
from dockwright.lock.tasks import Task
from dockwright.spec.finding import Finding

KIT_MODULE = "servicekit"


@dataclass(frozen=True)
class Unit:
    """The code that runs in one image beside its packages: a service's and the kit's, or a family's own."""

    name: str
    task: Task
    lock: Lock
    declared: tuple[Declared, ...]
    sources: tuple[tuple[str, Source], ...] = ()  # file as findings show it, and its tree
    own: frozenset[str] = frozenset()

    @property
    def python(self) -> tuple[int, int]:
        major, minor = map(int, self.task.target.python.split("."))
        return major, minor

    @property
    def has_code(self) -> bool:
        return any(not is_kit(file) for file, _ in self.sources)

    def asks(self, file: str) -> frozenset[str]:
        """What is named in the requirements that code in a file may count on: the kit names all that it imports."""
        return frozenset(item.name for item in self.declared if item.file == str(KIT_ASKS) or not is_kit(file))


def is_kit(file: str) -> bool:
    """Whether a file, or what a finding is about, is the kit's."""
    return Path(file).parts[0] == KIT_ASKS.parts[0]


@dataclass
class Uses:
    """What a unit imports from locked packages, and what is wrong with that."""

    packages: set[str] = field(default_factory=set)
    imports: int = 0
    findings: list[Finding] = field(default_factory=list)


Place = tuple[str, int]


def uses(unit: Unit, modules: Modules) -> Uses:
    """Look at every import of a unit."""
    made = Uses()
    missing: dict[tuple[str, str], list[Place]] = defaultdict(list)
    transitive: dict[tuple[bool, str], list[Place]] = defaultdict(list)
    for file, one in _foreign(unit):
        made.imports += 1
        found = modules.bringing(one.name, one.member)
        made.packages |= found
        if not found and _matters(one, modules, standard(unit.task.target.python) | unit.own):
            missing["optional" if one.optional else "missing", one.top].append((file, one.line))
        elif found and not one.optional and not found & unit.asks(file):
            transitive[is_kit(file), min(found)].append((file, one.line))
    for (kind, name), places in sorted(missing.items()):
        made.findings.append(_missing(kind, name, places, modules))
    made.findings += [_transitive(unit, name, places) for (_, name), places in sorted(transitive.items())]
    made.findings += _unreadable(unit)
    return made


def _foreign(unit: Unit) -> Iterator[tuple[str, Import]]:
    """Imports of what is neither Python's own, nor the unit's, nor the kit's."""
    near = standard(unit.task.target.python) | unit.own | {KIT_MODULE}
    for file, source in unit.sources:
        for one in imports(source.tree, unit.python) if source.tree else ():
            if one.top not in near:
                yield file, one


def _matters(one: Import, modules: Modules, near: frozenset[str]) -> bool:
    """A fallback is only imported where what it stands in for is not there."""
    return not one.instead_of or any(
        name.split(".")[0] not in near and not modules.bringing(name) for name in one.instead_of
    )


def _missing(kind: str, name: str, places: list[Place], modules: Modules) -> Finding:
    if modules.unknown:
        some = ", ".join(sorted(modules.unknown)[:3])
        says = f"cannot be told: nothing here says which modules {some} bring{_rest(len(modules.unknown) - 3)}"
        return _finding("unknown", "info" if kind == "optional" else "warning", name, places, says)
    if kind == "optional":
        return _finding(kind, "info", name, places, "no locked package brings it; the code goes on without it")
    return _finding(kind, "error", name, places, "no locked package brings it; name its package in requirements.in")


def _transitive(unit: Unit, name: str, places: list[Place]) -> Finding:
    whom = " and ".join(sorted({via.source for via in unit.lock.pins[name].via})[:3])
    file = KIT_ASKS if is_kit(min(places)[0]) else unit.task.file.with_name("requirements.in")
    says = f"only there because of {whom}; name it in {file}, where it is imported"
    return _finding("transitive", "warning", name, places, says)


def _finding(kind: str, severity: str, name: str, places: list[Place], says: str) -> Finding:
    (file, line), more = min(places), len(places) - 1
    told = f"{says} (and in {more} more {'places' if more > 1 else 'place'})" if more else says
    return Finding(kind, severity, name, file, line, told)  # type: ignore[arg-type] # one of the three words


def _rest(number: int) -> str:
    return f" and {number} more" if number > 0 else ""


def _unreadable(unit: Unit) -> Iterable[Finding]:
    for file, source in unit.sources:
        if source.tree is None:
            yield Finding("unreadable", "error", unit.name, file, source.line, f"is no Python: {source.error}")
