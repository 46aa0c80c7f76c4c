"""What the Python of an image is: its version, its C library, the environment of markers, the tags of wheels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from packaging import tags

from dockwright.errors import DockwrightError
from dockwright.spec.model import Fleet

# The C library of each release, as manylinux counts it (PEP 600). Both machines are x86-64.
GLIBC = {"bookworm": (2, 36), "trixie": (2, 41), "jammy": (2, 35), "noble": (2, 39)}
LEGACY = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}
MACHINE = "x86_64"


@dataclass(frozen=True)
class Target:
    """A Python version on a C library."""

    python: str
    glibc: tuple[int, int]

    @property
    def name(self) -> str:
        """The platform as uv and wheels name it."""
        return f"{MACHINE}-manylinux_{self.glibc[0]}_{self.glibc[1]}"

    @property
    def markers(self) -> dict[str, str]:
        """The environment that requirements' markers are read in (PEP 508)."""
        return {
            "implementation_name": "cpython",
            "implementation_version": f"{self.python}.0",
            "os_name": "posix",
            "platform_machine": MACHINE,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": "linux",
        }

    @cached_property
    def ranks(self) -> dict[tags.Tag, int]:
        """Every tag of a wheel that fits, with its rank: the lowest is the best."""
        major, minor = map(int, self.python.split("."))
        version, interpreter = (major, minor), f"cp{major}{minor}"
        ordered = [*tags.cpython_tags(version, [interpreter], self._platforms())]
        ordered += tags.compatible_tags(version, interpreter, self._platforms())
        return {tag: rank for rank, tag in reversed([*enumerate(ordered)])}

    def _platforms(self) -> list[str]:
        made = []
        for minor in range(self.glibc[1], 4, -1):
            made.append(f"manylinux_2_{minor}_{MACHINE}")
            if (2, minor) in LEGACY:
                made.append(f"{LEGACY[2, minor]}_{MACHINE}")
        return [*made, f"linux_{MACHINE}"]


def target(fleet: Fleet, family: str) -> Target:
    """What a family's Python is. Raises DockwrightError for a release whose C library is not known here."""
    root = fleet.roots[str(fleet.families[fleet.lineage(family)[0]].parent)]
    if root.suite not in GLIBC:
        known = ", ".join(GLIBC)
        raise DockwrightError(f"{family} stands on {root.suite}, whose C library is not known; known are {known}")
    return Target(fleet.python_of(family), GLIBC[root.suite])
