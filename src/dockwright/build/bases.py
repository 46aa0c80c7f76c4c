"""What images stand on: roots, the roots that their builder stages start from, and the Debian packages of families.

`expected` says what they are without making anything; a `Maker` makes them. Both know them by the same identities,
which are a part of input digests: an image whose digest an engine or a registry has needs no root on this host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from dockwright.build import packages
from dockwright.build import root as roots
from dockwright.build.oci import Layout
from dockwright.build.packages import Packages
from dockwright.build.supply import Supply
from dockwright.errors import DockwrightError
from dockwright.lock import deb_tasks, lists
from dockwright.lock.deb_tasks import BUILD
from dockwright.spec.model import Fleet

Say = Callable[[str], None]


@dataclass(frozen=True)
class Base:
    """A root or the packages of a family, as input digests know it.

    `as_locked`: whether it is what its lock says; `pins`: package -> version.
    """

    identity: str
    as_locked: bool = True
    pins: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Made:
    """Bases that are on this host: roots as layouts, packages in the pool, and by root why it cannot be made."""

    packages: dict[str, Packages] = field(default_factory=dict)
    layouts: dict[str, Layout] = field(default_factory=dict)
    failures: dict[str, DockwrightError] = field(default_factory=dict)


def root_of(fleet: Fleet, family: str) -> str:
    """The root at the bottom of a family's lineage."""
    return str(fleet.families[fleet.lineage(family)[0]].parent)


def expected(fleet: Fleet, root: Path, families: Iterable[str], *, locked: bool = False) -> dict[str, Base]:
    """What some families and their ancestors stand on, by the name of its lock. It makes nothing and asks nobody.

    `locked`: as it is locked, whatever had to be taken on this host instead. Raises UnreadableInput where a lock is
    missing or damaged, DockwrightError where it does not fit what is asked for.
    """
    return identities(fleet, expected_packages(fleet, root, families, locked=locked))


def expected_packages(fleet: Fleet, root: Path, families: Iterable[str], *, locked: bool) -> dict[str, Packages]:
    """The packages behind it."""
    tasks = deb_tasks.tasks(fleet, root)
    names: dict[str, None] = {}
    for family in families:
        top = root_of(fleet, family)
        if top not in tasks:
            raise DockwrightError(f"{family} stands on {top}, and only roots made from packages can be built on yet")
        chain = [name for each in fleet.lineage(family) for name in (each, f"{each}{BUILD}") if name in tasks]
        names |= dict.fromkeys((top, f"{top}{BUILD}", *chain))
    return packages.expected(fleet, root, names, locked=locked)


def identities(fleet: Fleet, found: Mapping[str, Packages]) -> dict[str, Base]:
    """Packages as input digests know them."""
    return {
        name: Base(_identity(fleet, of), of.as_locked, {deb.name: deb.version for deb in of.debs.values()})
        for name, of in found.items()
    }


def _identity(fleet: Fleet, of: Packages) -> str:
    return roots.recipe(fleet, of.name).identity(of) if _is_root(fleet, of.name) else of.identity


def _is_root(fleet: Fleet, name: str) -> bool:
    return name.removesuffix(BUILD) in fleet.roots


class Maker:
    """Makes bases, each when it is asked for. Used as a context: it keeps what archives said until it ends."""

    def __init__(self, fleet: Fleet, root: Path, *, locked: bool, install: bool, files: bool, say: Say) -> None:
        """`files`: bring all packages into the pool, those of roots as well that are there already."""
        self._fleet, self._root, self._locked, self._install, self._say = fleet, root, locked, install, say
        self._files = files
        self._supply = Supply(fleet, root, locked=locked, install=install, say=say)
        self.made = Made()

    def __enter__(self) -> Maker:
        self._supply.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._supply.__exit__(kind, error, trace)

    def ensure(self, ground: str, names: Iterable[str]) -> None:
        """Make what is lacking of one root and what stands on it; `made` tells what came of it."""
        try:
            for name in names:
                if name not in self.made.packages:
                    self._one(name)
        except DockwrightError as error:
            self.made.failures[ground] = error

    def _one(self, name: str) -> None:
        if _is_root(self._fleet, name):
            self._root_of(name)
        elif name in self._supply:
            self.made.packages[name] = self._supply.packages(name)

    def _root_of(self, name: str) -> None:
        recipe = roots.recipe(self._fleet, name)
        of = packages.expected(self._fleet, self._root, [name], locked=self._locked)[name]
        if self._files or roots.made(recipe, of) is None:
            of = self._supply.packages(name)
            if roots.made(recipe, of) is None:
                lists.ensure_maker(allowed=self._install, say=self._say)
        else:
            self._supply.know(of)
        self.made.layouts[name] = roots.make(recipe, of, self._say)
        self.made.packages[name] = of
