"""What may go of a registry: images of the fleet by age and number, with what says something of them.

Deleting a manifest frees no byte by itself: the registry's own garbage collection does, where it is run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from dockwright.engine.registry import artifact
from dockwright.engine.registry.documents import Manifest
from dockwright.engine.registry.place import Place
from dockwright.engine.registry.repository import Kept as Held
from dockwright.engine.registry.repository import Repository
from dockwright.release import publish, tags
from dockwright.release.freed import freed
from dockwright.release.prune import Item
from dockwright.release.record import Record
from dockwright.release.retention import Kept, Order, Rule, expired
from dockwright.spec.model import Fleet
from dockwright.spec.names import slug

AT_ONCE = 8
# The tag under which a registry without a list of referrers keeps one: it is no image's name.
REFERRERS = re.compile(r"sha256-[0-9a-f]{64}")


@dataclass(frozen=True)
class Remote:
    """One manifest of one repository, with all its tags. `parts`: its layers in bytes, by digest."""

    repository: Repository
    digest: str
    tags: tuple[str, ...]
    parts: dict[str, int]
    is_image: bool


def items(
    place: Place, fleet: Fleet, protected: Collection[str], rule: Rule, order: Order, say: Callable[[str], None]
) -> list[Item]:
    """What may go of a fleet's repositories. `protected`: digests; the images of the newest releases there stay too."""
    say(f"looking through the repositories of {place}")
    stays = {*protected, *(digest for record in newest(place, rule.keep) for digest in record.digests())}
    repositories = [Repository(place.below(name)) for name in names(fleet)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        every = [one for found in pool.map(_read, repositories) for one in found]
    # What is no image is somebody's: it stays, and so do its layers.
    images = {one.digest: one for one in every if one.is_image}
    kept = [Kept(_group(one), one.digest, one.tags) for one in every if one.is_image]
    chosen = {one.digest for one in expired(kept, stays, rule, order)}
    going = [one for one in every if one.is_image and one.digest in chosen]
    sizes = freed([one.parts for one in going], [one.parts for one in every if one.digest not in chosen])
    made = [
        Item("registry", one.repository.named(one.tags[0]), size, _why(one, rule), _remover(one), one.digest)
        for one, size in zip(going, sizes, strict=True)
    ]
    return [*made, *_orphans(every, images)]


def names(fleet: Fleet) -> list[str]:
    """The repositories of a fleet's images."""
    return sorted({*fleet.by_generation(), *map(slug, fleet.services)})


def newest(place: Place, number: int) -> list[Record]:
    """The newest releases of a registry: other hosts may run them."""
    return [publish.read(place, name) for name in publish.names(place)[-number:]]


def _read(repository: Repository) -> list[Remote]:
    """Every manifest that has a tag."""
    found: dict[str, list[str]] = {}
    held: dict[str, Held] = {}
    for tag in repository.tags():
        one = repository.get(tag)
        if one is not None:
            held[one.digest] = one
            found.setdefault(one.digest, []).append(tag)
    return [_remote(repository, held[digest], named) for digest, named in found.items()]


def _remote(repository: Repository, held: Held, named: Iterable[str]) -> Remote:
    document = held.document
    image = isinstance(document, Manifest) and document.artifact_type is None
    parts = {layer.digest: layer.size for layer in document.layers} if isinstance(document, Manifest) else {}
    # By commit first: that is the name that people know.
    ordered = sorted(named, key=lambda tag: (tags.read(tag) is None, tag))
    return Remote(repository, held.digest, tuple(ordered), parts, image)


def _group(one: Remote) -> str:
    """Images of one repository for one machine."""
    read = tags.read(one.tags[0])
    return f"{one.repository} {read.machine}".strip() if read else str(one.repository)


def _why(one: Remote, rule: Rule) -> str:
    return f"{_group(one)}: not of the newest {rule.keep}" + (f", before {rule.since}" if rule.since else "")


def _remover(one: Remote) -> Callable[[], object]:
    return lambda: _remove(one.repository, one.digest)


def _remove(repository: Repository, digest: str) -> None:
    """Delete a manifest, its tags, and what says something of it. Broken off, the next run deletes the rest."""
    about = artifact.referrers(repository, digest)
    repository.delete(digest)
    _forget(repository, digest, [each.digest for each in about])


def _forget(repository: Repository, subject: str, about: Iterable[str]) -> None:
    for each in about:
        repository.delete(each)
    listed = repository.digest(artifact.fallback(subject))
    if listed:
        repository.delete(listed)


def _orphans(every: Iterable[Remote], images: Collection[str]) -> list[Item]:
    """What says something of an image that is gone already."""
    found = []
    for one in every:
        lists = [tag for tag in one.tags if REFERRERS.fullmatch(tag)]
        subject = lists[0].replace("-", ":", 1) if lists else ""
        if subject and subject not in images and one.repository.digest(subject) is None:
            why = "what it says something of is gone"
            found.append(Item("registry", one.repository.named(lists[0]), 0, why, _forgetter(one, subject)))
    return found


def _forgetter(one: Remote, subject: str) -> Callable[[], object]:
    return lambda: _forget(
        one.repository, subject, [each.digest for each in artifact.referrers(one.repository, subject)]
    )
