"""Which modules a distribution brings, from the list of its files; and which distributions bring a module."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# A module's file: source, or an extension with or without its interpreter's tag.
MODULE = re.compile(r"^(?P<name>[A-Za-z_]\w*)(\.py|(\.(cpython-\w+(-\w+)*|abi3))?\.so)$")
PACKAGE = re.compile(r"^[A-Za-z_]\w*$")


def brought(files: Iterable[str]) -> tuple[str, ...]:
    """The shortest dotted names that a distribution makes importable, given its files as RECORD lists them.

    A folder without `__init__` is a namespace that several distributions share, so what counts lies below it:
    `google/cloud/storage/__init__.py` brings `google.cloud.storage`.
    """
    names = set()
    for file in files:
        *folders, last = file.split("/")
        match = MODULE.match(last)
        if match and all(PACKAGE.match(folder) for folder in folders):
            names.add(".".join(folders if match["name"] == "__init__" else [*folders, match["name"]]))
    names.discard("")
    # Whatever lies below a name that is importable itself says nothing new.
    return tuple(sorted(name for name in names if not any(above in names for above in _above(name))))


def _above(name: str) -> Iterable[str]:
    parts = name.split(".")
    return (".".join(parts[:length]) for length in range(1, len(parts)))


@dataclass(frozen=True)
class Modules:
    """The modules of some distributions: `known` name -> what it brings, `unknown` those that nothing is known of."""

    known: Mapping[str, tuple[str, ...]]
    unknown: frozenset[str] = frozenset()

    def bringing(self, name: str, member: str = "") -> frozenset[str]:
        """The distributions that bring a module; several where it is a namespace, or one is shadowed by another."""
        for wanted in ([f"{name}.{member}"] if member else []) + [name]:
            found = {dist for dist, brings in self.known.items() if any(_covers(root, wanted) for root in brings)}
            if found:
                return frozenset(found)
        inside = f"{name}."
        return frozenset(dist for dist, brings in self.known.items() if any(root.startswith(inside) for root in brings))


def _covers(root: str, wanted: str) -> bool:
    return wanted == root or wanted.startswith(f"{root}.")
