"""What a build does with each image, and why.

Deciding and explaining are pure: what there is goes in, what is to be done comes out. `on` asks an engine what it has.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from dockwright.build import parts, store, tags
from dockwright.build.images import Image
from dockwright.build.origin import Origin
from dockwright.build.store import Stored
from dockwright.engine.docker import Docker

Action = Literal["build", "pull", "tag", "nothing", "unknown"]
NEVER = "never built here"
LOST = "built before with these inputs, but the engine has it no longer"
UNTAGGED = "the engine has it, but not under the tag of its inputs"
UNCOMMITTED = "it was built before its inputs were committed, and says so"
UNRECORDED = "an older version of this tool built it, and did not record its inputs"


@dataclass(frozen=True)
class Entry:
    """One image: what is done with it, the image that has its inputs, and why that is not there."""

    image: Image
    action: Action
    reference: str
    stored: Stored | None = None
    why: str = ""
    changes: tuple[parts.Change, ...] = ()
    since: str = ""

    @property
    def reason(self) -> str:
        """Why it is built, in words; empty for what is there."""
        return self.why or "; ".join(map(str, self.changes))


@dataclass(frozen=True)
class Plan:
    """Every image that was asked for with all that it stands on, parents first."""

    entries: Mapping[str, Entry]
    origin: Origin

    @property
    def images(self) -> dict[str, Image]:
        return {name: entry.image for name, entry in self.entries.items()}

    def of(self, action: Action) -> dict[str, Entry]:
        return {name: entry for name, entry in self.entries.items() if entry.action == action}

    @property
    def missing(self) -> dict[str, Image]:
        """The images to build."""
        return {name: entry.image for name, entry in self.of("build").items()}

    def layers(self) -> set[str]:
        """The layers of what is there: those that a push can move."""
        return {layer for entry in self.entries.values() if entry.stored for layer in entry.stored.layers}

    @property
    def empty(self) -> bool:
        return all(entry.action == "nothing" for entry in self.entries.values())


def on(docker: Docker, images: Mapping[str, Image], origin: Origin) -> Plan:
    """What is to be done on an engine, without reasons."""
    return decide(images, store.find(docker, images.values()), origin)


def decide(images: Mapping[str, Image], have: Mapping[str, Stored], origin: Origin) -> Plan:
    """A plan without reasons. `have`: input digest -> image."""
    return Plan({name: _decided(image, have.get(image.input_digest), origin) for name, image in images.items()}, origin)


def undecided(images: Mapping[str, Image], origin: Origin) -> Plan:
    """A plan where no engine answers: what there would be to build is known, what is there is not."""
    entries = {name: Entry(image, "unknown", tags.by_commit(image, origin)) for name, image in images.items()}
    return Plan(entries, origin)


def _decided(image: Image, stored: Stored | None, origin: Origin) -> Entry:
    """A clean commit gives its tag to what earlier commits built; a work tree that no commit has, to nothing.

    A commit wants images that can say so: one that was built before its inputs were committed is built again.
    """
    reference = tags.by_commit(image, origin)
    if stored is None:
        return Entry(image, "build", reference)
    if stored.dirty and not origin.dirty:
        return Entry(image, "build", reference, why=UNCOMMITTED)
    if origin.dirty and reference not in stored.references:
        reference = stored.reference
    whole = {reference, tags.by_input(image)} <= stored.references
    return Entry(image, "nothing" if whole else "tag", reference, stored)


def taken(plan: Plan, there: Container[str]) -> Plan:
    """A plan in which what a registry has of equal inputs is pulled in place of a build. `there`: names of images."""
    entries = {
        name: replace(entry, action="pull") if entry.action == "build" and name in there else entry
        for name, entry in plan.entries.items()
    }
    return Plan(entries, plan.origin)


def explained(plan: Plan, earlier: Iterable[Stored], last: Mapping[str, str]) -> Plan:
    """A plan that says what has changed. `earlier`: images that there are; `last`: name -> input digest built last."""
    by_name: dict[str, list[Stored]] = {}
    for stored in earlier:
        by_name.setdefault(stored.name, []).append(stored)
    entries = {
        name: entry
        if entry.action != "build" or entry.why
        else _explained(entry, by_name.get(name, []), last.get(name, ""))
        for name, entry in plan.entries.items()
    }
    return Plan(entries, plan.origin)


def _explained(entry: Entry, earlier: list[Stored], last: str) -> Entry:
    image = entry.image
    found = {stored.input_digest: parts.changes(stored.parts, image.parts) for stored in earlier if stored.parts}
    if not found:
        why = LOST if last == image.input_digest else UNRECORDED if earlier else NEVER
        return Entry(image, entry.action, entry.reference, why=why)
    if image.input_digest in found:
        return Entry(image, entry.action, entry.reference, why=UNTAGGED)
    # The image that was built last; where nobody knows, the one that is nearest.
    digest = last if last in found else min(found, key=lambda one: (len(found[one]), one))
    since = next(stored.reference for stored in earlier if stored.input_digest == digest)
    return Entry(image, entry.action, entry.reference, changes=found[digest], since=since)
