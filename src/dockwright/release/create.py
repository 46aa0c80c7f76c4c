"""Makes a release of what is built and committed. The record refers only to images that the engine has."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dockwright.build import baked, bases
from dockwright.build.origin import Origin, read_origin
from dockwright.build.present import Present, present
from dockwright.build.store import Stored, unpacked_sizes
from dockwright.check.ticket import read_tickets
from dockwright.engine.docker import Docker
from dockwright.errors import DockwrightError, EngineUnavailable
from dockwright.release import bills
from dockwright.release.record import VERSION, Contents, InstancePicture, Picture, Record, TicketInForce, digest_of
from dockwright.release.shelf import Shelf
from dockwright.spec.finding import SpecError
from dockwright.spec.model import Fleet, Instance

Say = Callable[[str], None]
LOCKS = ("roots", "families", "services")
SHOWN = 6


@dataclass(frozen=True)
class Outcome:
    """A release, and whether it was made now or is an earlier one with the same contents."""

    record: Record
    new: bool


def create(docker: Docker, fleet: Fleet, root: Path, shelf: Shelf, *, note: str, partial: bool, say: Say) -> Outcome:
    """Write a release, unless there is one of exactly these images and facts already.

    `partial`: instances that are not built are left out of it; without, they are an error. Raises DockwrightError.
    """
    origin = read_origin(root)
    refuse_dirty(origin)
    seen = present(docker, fleet, root)
    chosen = choose(fleet, seen, partial=partial)
    families = {above for each in chosen for above in fleet.lineage(fleet.services[each.service].family)}
    lacking = sorted(name for name in families if name not in seen.built)
    if lacking:
        raise not_built(lacking)
    refuse_unlocked(seen, chosen)
    found = bills_of(docker, {each.name: seen.built[each.name] for each in chosen}, shelf, say)
    contents = contents_of(docker, fleet, root, origin, seen, chosen, found)
    with shelf.alone():
        same = shelf.same(contents.digest)
        if same is not None:
            return Outcome(same, new=False)
        made = Record(
            version=VERSION,
            name=shelf.free_name(origin.tag),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            note=note,
            digest=contents.digest,
            contents=contents,
            sizes=_sizes(docker, contents),
        )
        shelf.add(made, {digest_of(data): data for data in found.values()})
    return Outcome(made, new=True)


def refuse_dirty(origin: Origin) -> None:
    """A release says which commit it is: raise DockwrightError where the work tree is none."""
    if origin.git_sha == "unknown":
        raise DockwrightError("this folder is no git checkout, so no release can say what it was made from")
    if origin.dirty:
        raise DockwrightError(
            "the work tree has changes that no commit has, so no release can be made of it",
            "commit or stash them (git status names them), then ./dockwright build",
        )


def refuse_unlocked(seen: Present, chosen: Iterable[Instance]) -> None:
    """Raise DockwrightError where images stand on packages that no lock pins: nobody could build the release again."""
    names = dict.fromkeys(lock for each in chosen for lock in seen.images[each.name].unlocked)
    if names:
        raise DockwrightError(
            f"these images are not as locked, so nobody could build the release again: {', '.join(names)}",
            "./dockwright lock records what they are made of; commit that, then ./dockwright build",
        )


def choose(fleet: Fleet, seen: Present, *, partial: bool) -> list[Instance]:
    """Every implemented instance; those that are not built only where a partial release may leave them out."""
    implemented = [each for each in fleet.instances() if each.service in fleet.implementations]
    missing = [each.name for each in implemented if each.name not in seen.built]
    chosen = [each for each in implemented if each.name in seen.built]
    if missing and not (partial and chosen):
        raise not_built(missing)
    return chosen


def not_built(names: Collection[str]) -> DockwrightError:
    """The error for images that a release needs and this engine does not have."""
    shown = ", ".join(list(names)[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
    return DockwrightError(
        f"not built from this commit: {shown}",
        "./dockwright build builds what is missing; release create --partial leaves instances out",
    )


def bills_of(docker: Docker, images: Mapping[str, Stored], shelf: Shelf, say: Say) -> dict[str, bytes]:
    """Instance -> its bill of materials. What an earlier release knows of an image is not read again."""
    known = {
        picture.digest: picture.sbom
        for record in shelf.all()
        for picture in record.contents.instances.values()
        if shelf.bill_path(picture.sbom).is_file()
    }
    old = {name: shelf.bill(known[image.digest]) for name, image in images.items() if image.digest in known}
    new = {name: image.reference for name, image in images.items() if name not in old}
    return old | bills.of_images(docker, new, say)


def contents_of(
    docker: Docker,
    fleet: Fleet,
    root: Path,
    origin: Origin,
    seen: Present,
    chosen: Iterable[Instance],
    found: Mapping[str, bytes],
) -> Contents:
    """All that decides a release."""
    instances = list(chosen)
    lineage = {each: fleet.lineage(fleet.services[each.service].family) for each in instances}
    families = sorted({above for names in lineage.values() for above in names})
    tickets, wrong = read_tickets(root / "fleet")
    if wrong:
        raise SpecError(wrong)
    digests = manifests(docker, [seen.built[name] for name in (*families, *(each.name for each in instances))])
    return Contents(
        git_sha=origin.git_sha,
        instances={
            each.name: InstancePicture(
                **_picture(seen.built[each.name], digests),
                family=lineage[each][-1],
                sbom=digest_of(found[each.name]),
                profile=digest_of(baked.profile(fleet, each.machine).encode()),
            )
            for each in instances
        },
        families={name: Picture(**_picture(seen.built[name], digests)) for name in families},
        roots={
            name: base.identity
            for name, base in bases.expected(fleet, root, families).items()
            if name.partition("/")[0] in fleet.roots
        },
        profiles={name: dict(fleet.machines[name].profile) for name in sorted({each.machine for each in instances})},
        locks=locks(root / "fleet"),
        tickets={f"{one.number:04}": TicketInForce(title=one.title, status=one.status) for one in tickets},
        left_out={
            each.name: seen.absent[each.name]
            for each in fleet.instances()
            if each.service in fleet.implementations and each.name in seen.absent
        },
    )


def _picture(image: Stored, digests: Mapping[str, str]) -> dict[str, Any]:
    return {
        "reference": image.reference,
        "digest": digests[image.digest],
        "input_digest": image.input_digest,
        "git_sha": image.git_sha,
    }


def manifests(docker: Docker, images: Iterable[Stored]) -> dict[str, str]:
    """The engine's own id of an image -> the digest of its manifest, by which any engine and registry knows it.

    Raises EngineUnavailable where an engine knows its images by their configuration alone.
    """
    wanted = {image.digest: image for image in images}
    if docker.image_store == "containerd":
        return {digest: digest for digest in wanted}
    found = {}
    for entry in docker.inspect("image", sorted(wanted)):
        pushed: Any = entry.get("RepoDigests") or []
        if pushed:
            found[str(entry["Id"])] = str(pushed[0]).rpartition("@")[2]
    missing = [image.reference for digest, image in wanted.items() if digest not in found]
    if missing:
        raise EngineUnavailable(
            f"the engine at {docker.host} knows no manifest of {missing[0]}: its image store keeps none before a push",
            'set "features": {"containerd-snapshotter": true} in its daemon.json, and build again',
        )
    return found


def locks(fleet: Path) -> dict[str, str]:
    """Lock file, relative to the repository -> digest of its content."""
    paths = sorted(path for part in LOCKS for path in (fleet / part).rglob("*.lock"))
    return {path.relative_to(fleet.parent).as_posix(): digest_of(path.read_bytes()) for path in paths}


def _sizes(docker: Docker, contents: Contents) -> dict[str, int]:
    references = {name: picture.reference for name, picture in contents.pictures()}
    found = unpacked_sizes(docker, references.values())
    return {name: found[reference] for name, reference in references.items()}
