"""What decides an image, part by part: its input digest, what the image records of it, and what has changed since.

Parts are kind -> name -> value. A value is a digest (of a file, a parent, a root) or the thing itself (a version, an
argument). The image carries them as a label, digests shortened. That label follows from the inputs alone, so two builds
of equal inputs carry equal ones; and it is there wherever the image is: in another engine, in a registry.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

Parts = Mapping[str, Mapping[str, str]]
# The order in which changes are told: what is furthest below comes first.
KINDS = (
    "root",
    "parent",
    "Dockerfile",
    "pin",
    "lock",
    "packages",
    "argument",
    "fact",
    "profile",
    "file",
    "kit",
    "script",
    "tool",
)
DIGEST = "sha256:"
SHORT = 12
PATHS = {"file", "kit", "script"}
# Labels travel with every inspection of an image: of a service with many files, folders are recorded.
MOST_FILES = 200


def digest(parts: Parts) -> str:
    """The input digest: one over all parts, in the order of their names."""
    made = hashlib.sha256()
    entries = sorted((kind, name, value) for kind, values in parts.items() for name, value in values.items())
    for kind, name, value in entries:
        made.update(b"%s\0%s\0%s\0" % (kind.encode(), name.encode(errors="surrogateescape"), value.encode()))
    return f"{DIGEST}{made.hexdigest()}"


def record(parts: Parts) -> str:
    """What an image says of its parts: JSON, with digests cut to a length that still tells a change."""
    kept = {
        kind: {name: _short(value) for name, value in (_folded(values) if kind in PATHS else values).items()}
        for kind, values in parts.items()
    }
    return json.dumps({kind: values for kind, values in kept.items() if values}, sort_keys=True, separators=(",", ":"))


def recorded(text: str) -> Parts | None:
    """Parts as an image records them; None for what is no such record."""
    try:
        found = json.loads(text)
        return {kind: {name: str(value) for name, value in values.items()} for kind, values in found.items()}
    except (ValueError, AttributeError, RecursionError):
        return None


def _short(value: str) -> str:
    return value[: len(DIGEST) + SHORT] if value.startswith(DIGEST) else value


def _folded(values: Mapping[str, str]) -> Mapping[str, str]:
    """At most MOST_FILES entries: the deepest folders become one entry each, until it is few enough."""
    while len(values) > MOST_FILES:
        depth = max(len(PurePosixPath(name).parts) for name in values)
        folders: dict[str, dict[str, str]] = {}
        for name, value in values.items():
            deep = len(PurePosixPath(name).parts) == depth
            folders.setdefault(f"{PurePosixPath(name).parent}/" if deep else name, {})[name] = value
        values = {name: each[name] if name in each else digest({"": each}) for name, each in folders.items()}
    return values


@dataclass(frozen=True)
class Change:
    """One part that differs: the values before and now, None where there is none."""

    kind: str
    name: str
    before: str | None
    now: str | None

    def __str__(self) -> str:
        what = self.name if self.name.startswith("Dockerfile") else f"{self.kind} {self.name}"
        if self.before is None or self.now is None:
            value = self.before or self.now or ""
            told = "" if value.startswith(DIGEST) else f" {value}"
            return f"{what}{told} {'added' if self.before is None else 'removed'}"
        return what if self.now.startswith(DIGEST) else f"{what} {self.before} -> {self.now}"


def changes(before: Parts, parts: Parts) -> tuple[Change, ...]:
    """What differs from the parts that an image records."""
    now = recorded(record(parts)) or {}
    found = tuple(_changes(before, now))
    # Locks that pin other versions are told by them; by their own names only when they pin the same.
    told = any(change.kind == "pin" for change in found)
    return tuple(change for change in found if not (told and change.kind in ("lock", "packages")))


def _changes(before: Parts, now: Parts) -> Iterator[Change]:
    for kind in sorted({*before, *now}, key=lambda kind: (KINDS.index(kind) if kind in KINDS else len(KINDS), kind)):
        old, new = before.get(kind, {}), now.get(kind, {})
        for name in sorted({*old, *new}):
            if old.get(name) != new.get(name):
                yield Change(kind, name, old.get(name), new.get(name))
