"""Releases in a registry: the record and the bills of materials that it refers to, as one artifact under its name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from dockwright.build import sbom
from dockwright.engine.registry import artifact
from dockwright.engine.registry.artifact import Artifact, File
from dockwright.engine.registry.place import Place
from dockwright.engine.registry.repository import Repository
from dockwright.errors import DockwrightError, UnreadableInput, UsageError
from dockwright.release import record as records
from dockwright.release.record import Picture, Record, digest_of
from dockwright.release.shelf import LATEST, Shelf, meant, order

Say = Callable[[str], None]
KIND = "application/vnd.dockwright.release.v1+json"
NAME = "releases"
FILE = "release.json"
CREATED = "org.opencontainers.image.created"
AT_ONCE = 8
SHOWN = 5


def repository(place: Place) -> Repository:
    """Where a registry has a fleet's releases."""
    return Repository(place.below(NAME))


def of_picture(place: Place, picture: Picture) -> Repository:
    """Where a registry has an image: its name is the same below every registry."""
    return Repository(place.below(picture.repository.rpartition("/")[2]))


def held(place: Place, record: Record) -> frozenset[str]:
    """Of a release's images, the digests of those that a registry has."""
    pictures = [picture for _, picture in record.contents.pictures()]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda picture: of_picture(place, picture).digest(picture.digest), pictures)
        return frozenset(filter(None, found))


def push(place: Place, record: Record, shelf: Shelf, say: Say) -> str:
    """Put a release into a registry that has all its images; returns the artifact's digest. It never replaces one."""
    there = held(place, record)
    missing = [name for name, picture in record.contents.pictures() if picture.digest not in there]
    if missing:
        more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        says = f"{record.name} is not pushed: {place} has not its images of {', '.join(missing[:SHOWN])}{more}"
        raise DockwrightError(says, f"./dockwright push --registry {place}, then release push {record.name}")
    target = repository(place)
    before = artifact.look(target, record.name)
    data = record.text().encode()
    if before is not None:
        if FILE in before.files and artifact.read(target, before, FILE) == data:
            return before.digest
        raise DockwrightError(f"{target.named(record.name)} is another release of that name, and is never replaced")
    say(f"pushing {record.name} to {place}")
    bills = sorted({one.sbom for one in record.contents.instances.values()})
    files = [
        File(FILE, data, "application/json"),
        *(File(_bill(one), shelf.bill(one), "application/json") for one in bills),
    ]
    told = {
        CREATED: record.created,
        "org.opencontainers.image.revision": record.contents.git_sha,
    }
    return artifact.push(target, KIND, files, annotations=told, tag=record.name)


def names(place: Place) -> list[str]:
    """The releases of a registry, the oldest first.

    A name tells the day. Which of one day's was first, their manifests say, and those are read where it matters.
    """
    source = repository(place)
    found = [tag for tag in source.tags() if records.NAME.fullmatch(tag)]
    days = Counter(map(_day, found))
    created = {name: _created(source, name) for name in found if days[_day(name)] > 1}
    return sorted(found, key=lambda name: (_day(name), created.get(name, ""), order(name)))


def _day(name: str) -> str:
    return name.partition("-")[0]


def _created(source: Repository, name: str) -> str:
    holder = artifact.look(source, name)
    return holder.annotations.get(CREATED, "") if holder else ""


def read(place: Place, name: str) -> Record:
    """A release's record as a registry has it; the images' are not asked for. Raises UsageError, UnreadableInput."""
    return _record(repository(place), name)[0]


def fetch(place: Place, text: str, shelf: Shelf, say: Say) -> tuple[Record, bool]:
    """Bring a release here, and whether it was not here before. Nothing that is here is replaced."""
    known = names(place)
    if not known:
        raise UsageError(f"{place} has no release", "./dockwright release push puts one there")
    name = known[-1] if text == LATEST else meant(text, known)
    source = repository(place)
    found, holder = _record(source, name)
    with shelf.alone():
        here = {one.name: one for one in shelf.all()}.get(name)
        if here == found:
            return found, False
        if here is not None:
            raise DockwrightError(f"{name} is here as another release than in {place}, and is never replaced")
        say(f"fetching {name} from {place}")
        bills = {one.sbom: _fetched(source, holder, one.sbom) for one in found.contents.instances.values()}
        shelf.add(found, bills)
    return found, True


def _record(source: Repository, name: str) -> tuple[Record, Artifact]:
    holder = artifact.look(source, name)
    shown = source.named(name)
    if holder is None or holder.kind != KIND or FILE not in holder.files:
        raise UnreadableInput(f"{shown} is no release", "./dockwright release push puts one there")
    found = records.read(artifact.read(source, holder, FILE), shown)
    if found.name != name:
        raise UnreadableInput(f"{shown} holds the release {found.name}", "push it under its own name")
    return found, holder


def _fetched(source: Repository, holder: Artifact, digest: str) -> bytes:
    """A bill of materials, held against the record that refers to it."""
    data = artifact.read(source, holder, _bill(digest), sbom.MOST_BYTES)
    shown = f"{source.named(holder.digest)}: {_bill(digest)}"
    if digest_of(data) != digest:
        raise UnreadableInput(f"{shown} is another one than its release refers to", "do not use it; push it again")
    sbom.read(data, shown)
    return data


def _bill(digest: str) -> str:
    return f"sbom-{digest.removeprefix('sha256:')}.json"
