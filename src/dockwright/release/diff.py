"""What differs between two releases: instances, packages, sizes, tickets, locks, profiles. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from dockwright.build.sbom import Component
from dockwright.release.record import InstancePicture, Record
from dockwright.release.versions import PackageChange, changes

Read = Callable[[str], tuple[Component, ...]]
Value = TypeVar("Value")


@dataclass(frozen=True)
class Changed:
    """A named thing; `before` or `after` is None where a release does not have it."""

    name: str
    before: str | None
    after: str | None

    @property
    def way(self) -> str:
        return "added" if self.before is None else "gone" if self.after is None else "changed"


@dataclass(frozen=True)
class InstanceChange(Changed):
    """An instance whose image is another one, new or gone. Sizes are unpacked bytes; 0 where it is not there."""

    packages: tuple[PackageChange, ...]
    size_before: int
    size_after: int
    same_inputs: bool
    """Built from equal inputs: what differs is only what an image says of its commit."""


@dataclass(frozen=True)
class Difference:
    """What is not the same in two releases."""

    before: str
    after: str
    commits: tuple[str, str]
    instances: tuple[InstanceChange, ...]
    families: tuple[Changed, ...]
    roots: tuple[Changed, ...]
    profiles: tuple[Changed, ...]
    locks: tuple[Changed, ...]
    tickets: tuple[Changed, ...]
    left_out: tuple[Changed, ...]

    @property
    def empty(self) -> bool:
        """Whether nothing but the commit differs."""
        parts = (self.instances, self.families, self.roots, self.profiles, self.locks, self.tickets, self.left_out)
        return not any(parts)

    def packages(self) -> dict[PackageChange, list[str]]:
        """Each change of a package, and the instances that it is in: those that both releases have."""
        found: dict[PackageChange, list[str]] = {}
        for instance in self.instances:
            for package in instance.packages if instance.way == "changed" else ():
                found.setdefault(package, []).append(instance.name)
        return dict(sorted(found.items()))

    def as_json(self) -> dict[str, Any]:
        """The shape that `release diff --json` prints."""
        made = asdict(self)
        for part in ("instances", "families", "roots", "profiles", "locks", "tickets", "left_out"):
            for entry, change in zip(made[part], getattr(self, part), strict=True):
                entry["way"] = change.way
        listed = [{**asdict(package), "instances": names} for package, names in self.packages().items()]
        return {**made, "packages": listed, "empty": self.empty}


def difference(before: Record, after: Record, read: Read) -> Difference:
    """Compare two releases; `read` gives the components of a bill of materials by its digest."""
    old, new = before.contents, after.contents
    names = [name for name in sorted({*old.instances, *new.instances}) if _differs(name, before, after)]
    return Difference(
        before.name,
        after.name,
        (old.git_sha, new.git_sha),
        tuple(_instance(name, before, after, read) for name in names),
        _changed(_digests(old.families), _digests(new.families)),
        _changed(old.roots, new.roots),
        _changed(_flat(old.profiles), _flat(new.profiles)),
        _changed(old.locks, new.locks),
        _changed(
            *({number: f"{one.title} ({one.status})" for number, one in each.tickets.items()} for each in (old, new))
        ),
        _changed(old.left_out, new.left_out),
    )


def _differs(name: str, before: Record, after: Record) -> bool:
    old, new = before.contents.instances.get(name), after.contents.instances.get(name)
    return old is None or new is None or old.digest != new.digest


def _instance(name: str, before: Record, after: Record, read: Read) -> InstanceChange:
    old, new = before.contents.instances.get(name), after.contents.instances.get(name)
    components = [read(picture.sbom) if picture else () for picture in (old, new)]
    same_bill = old is not None and new is not None and old.sbom == new.sbom
    return InstanceChange(
        name,
        old.digest if old else None,
        new.digest if new else None,
        () if same_bill else changes(*components),
        before.sizes.get(name, 0) if old else 0,
        after.sizes.get(name, 0) if new else 0,
        _inputs(old) == _inputs(new),
    )


def _inputs(picture: InstancePicture | None) -> str:
    return picture.input_digest if picture else ""


def _digests(pictures: Mapping[str, Any]) -> dict[str, str]:
    return {name: picture.digest for name, picture in pictures.items()}


def _flat(profiles: Mapping[str, Mapping[str, int | str]]) -> dict[str, str]:
    return {f"{machine}.{key}": str(value) for machine, keys in profiles.items() for key, value in keys.items()}


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Changed, ...]:
    names = sorted({*before, *after})
    return tuple(
        Changed(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)
    )
