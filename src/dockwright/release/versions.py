"""What differs between the packages of two bills of materials. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from dockwright.build.sbom import Component

Way = Literal["up", "down", "added", "gone", "changed"]


@dataclass(frozen=True, order=True)
class PackageChange:
    """One package of one kind; `before` or `after` is empty where it is not there."""

    kind: str
    name: str
    before: str
    after: str
    way: Way

    def __str__(self) -> str:
        versions = " -> ".join(text for text in (self.before, self.after) if text)
        return f"{self.name} {versions} {self.way}"


def changes(before: Iterable[Component], after: Iterable[Component]) -> tuple[PackageChange, ...]:
    """Packages that are added, gone, or of another version. Order and licences do not count."""
    old, new = _versions(before), _versions(after)
    found = []
    for kind, name in sorted({*old, *new}):
        was, is_ = old.get((kind, name), ""), new.get((kind, name), "")
        if was != is_:
            found.append(PackageChange(kind, name, was, is_, way(kind, was, is_)))
    return tuple(found)


def _versions(components: Iterable[Component]) -> dict[tuple[str, str], str]:
    """(kind, name) -> version; several versions of one package are one text."""
    found: dict[tuple[str, str], set[str]] = {}
    for component in components:
        found.setdefault((component.kind, component.name), set()).add(component.version)
    return {key: ", ".join(sorted(versions)) for key, versions in found.items()}


def way(kind: str, before: str, after: str) -> Way:
    """Whether a version went up or down; `changed` where its kind has no order, or these texts are none of its."""
    if not before or not after:
        return "gone" if before else "added"
    from univers.versions import DebianVersion, PypiVersion  # 0.2 s, and only diffs want it

    kinds: dict[str, Callable[[str], Any]] = {"deb": DebianVersion, "pypi": PypiVersion}
    if kind not in kinds:
        return "changed"
    try:
        old, new = kinds[kind](before), kinds[kind](after)
    except ValueError:
        return "changed"
    return "changed" if old == new else "up" if old < new else "down"
