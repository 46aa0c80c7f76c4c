"""What images stand on: roots, the roots that their builder stages start from, and the Debian packages of families.

`expected` says what they are without making anything; a `Maker` makes them. Both know them by the same identities,
which are a part of input digests: an image whose digest an engine or a registry has needs no root on this host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from dockwright.build import packages
from dockwright.build import root as roots
from dockwright.build.oci import Layout
from dockwright.build.packages import Packages
from dockwright.errors import DockwrightError
from dockwright.lock import deb_tasks
from dockwright.lock.deb_tasks import BUILD
from dockwright.spec.model import Fleet

Say = Callable[[str], None]
AT_ONCE = 2


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
    """Makes bases, when they are asked for. Used as a context: it keeps what archives said until it ends."""

    def __init__(self, fleet: Fleet, root: Path, *, locked: bool, install: bool, files: bool, say: Say) -> None:
        """`files`: bring all packages into the pool, those of roots as well that are there already."""
        # With what they import: to plan, none of it is needed.
        from dockwright.build.supply import Supply
        from dockwright.lock.resolver import Stop

        self._fleet, self._root, self._locked, self._install, self._say = fleet, root, locked, install, say
        self._files, self._stop = files, Stop()
        self._supply = Supply(fleet, root, self._stop, locked=locked, install=install, say=say)
        self.made = Made()

    def __enter__(self) -> Maker:
        self._supply.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._supply.__exit__(kind, error, trace)

    def ensure(self, wanted: Mapping[str, Iterable[str]]) -> None:
        """Make what is lacking; `made` tells what came of it. `wanted`: root -> what is needed of it and on it."""
        needed: list[tuple[str, Packages]] = []
        for ground, needs in wanted.items():
            names = list(needs)
            try:
                self._know(name for name in names if _is_root(self._fleet, name))
                found = [self._supply.packages(name) for name in names if name not in self.made.packages]
                if any(self._lacks(of) for of in found):
                    from dockwright.lock import lists

                    lists.ensure_maker(allowed=self._install, say=self._say)
            except DockwrightError as error:
                self.made.failures[ground] = error
                continue
            needed += [(ground, of) for of in found if _is_root(self._fleet, of.name)]
            self.made.packages |= {of.name: of for of in found if not _is_root(self._fleet, of.name)}
        self._make(needed)

    def _make(self, wanted: Iterable[tuple[str, Packages]]) -> None:
        """Roots beside each other: a part of each one's time the disk is waited for. Ctrl-C ends all of them."""
        with ThreadPoolExecutor(AT_ONCE, "root") as pool:
            running = {
                pool.submit(roots.make, roots.recipe(self._fleet, of.name), of, self._say, self._stop): (ground, of)
                for ground, of in wanted
            }
            try:
                for future, (ground, of) in running.items():
                    try:
                        self.made.layouts[of.name] = future.result()
                        self.made.packages[of.name] = of
                    except DockwrightError as error:
                        self.made.failures[ground] = error
            except BaseException:
                self._stop.end()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _know(self, names: Iterable[str]) -> None:
        """Roots that are there: what they were made of need not be in the pool as well."""
        for of in packages.expected(self._fleet, self._root, names, locked=self._locked).values():
            if not self._files and not self._lacks(of):
                self._supply.know(of)

    def _lacks(self, of: Packages) -> bool:
        """Whether these are the packages of a root that is not there."""
        return _is_root(self._fleet, of.name) and roots.made(roots.recipe(self._fleet, of.name), of) is None
