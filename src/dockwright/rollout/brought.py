"""A machine as its supervisor has brought it, kept as a release is: what a deploy has to go back to exactly.

The files are those of the last rollout, with the images that were brought since.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from dockwright.errors import DockwrightError, UnreadableInput
from dockwright.release import health
from dockwright.release.record import InstancePicture, Record
from dockwright.release.shelf import Shelf
from dockwright.rollout import compose, facts, followed, kept
from dockwright.rollout.followed import Brought
from dockwright.rollout.kept import Kept
from dockwright.rollout.place import Place
from dockwright.rollout.site import Site
from dockwright.rollout.target import MISSING, Seen
from dockwright.spec.model import Instance
from dockwright.spec.names import slug

ENDING = "-followed"


def name(release: str) -> str:
    """What a release goes by where a supervisor brought it: not all of it may be there, as it brings images alone."""
    return release + ENDING


def release(name: str) -> str:
    """The release behind such a name; any other name is its own."""
    return name.removesuffix(ENDING)


def now(site: Site, records: Iterable[Record], running: Collection[Seen]) -> Kept | None:
    """What runs on a machine since its supervisor brought other images; None where it did not, or does not say so.

    What is still being tried is nothing to go back to. `running`: its containers, which have to agree.
    """
    desired = site.place.read_desired()
    said = followed.ask(desired, site.asked_at) if desired else None
    if desired is None or said is None or said.trying:
        return None
    ours = (each for each in running if each.host == site.machine and each.state != MISSING)
    there = {each.instance.service: each.image for each in ours}
    told = {row["service"]: row["image_digest"] for row in site.place.told()}
    images = {name: image for name, image in said.images.items() if name in told and there.get(name, image) == image}
    if all(told[name] == image for name, image in images.items()):
        return None
    try:
        return _keep(site, desired, replace(said, images=images), records)
    except UnreadableInput:  # A tool that was killed left the files of two rollouts.
        return None


def of(place: Place, machine: str, release: str) -> Kept | None:
    """What is kept of a release: as it was rolled out, else as a supervisor brought it."""
    return kept.read(place, machine, release) or kept.read(place, machine, name(release))


def as_run(
    rows: Mapping[Instance, Mapping[str, Any]], running: Mapping[str, str], known: Iterable[Kept]
) -> list[Mapping[str, Any]]:
    """Rows of what is desired, for a supervisor whose word is void as soon as it reads them: where it brought an image
    of a release that is known, that is what is desired. `running`: container -> image. Pure.
    """
    every = {(each, row["image_digest"]): row for one in known for each, row in one.rows().items()}
    every |= {(each, row["image_digest"]): row for each, row in rows.items()}
    return [every.get((each, running.get(row["container"], "")), row) for each, row in rows.items()]


def note_healthy(one: Kept, site: Site, shelf: Shelf) -> None:
    """Note a release that a supervisor brought as healthy, where all of it runs there, and all of it says so now."""
    ports = {each.name: (site.asked_at, target.health_port) for each, target in one.targets.items()}
    if all(told.ok for told in facts.ask_all(ports).values()):
        with suppress(DockwrightError):  # Somebody holds the shelf; what runs is none the worse for it.
            images = {each.name: target.image for each, target in one.targets.items()}
            health.note(shelf, site.machine, images, datetime.now(UTC))


def _keep(site: Site, desired: Mapping[str, Any], said: Brought, records: Iterable[Record]) -> Kept | None:
    import yaml

    rolled_out = kept.read(site.place, site.machine, kept.UP)
    if rolled_out is None:
        return None
    called = name(said.release or str(desired["tag"]))
    pictures = {one.digest: one for record in records for one in record.contents.instances.values()}
    rows = [_row(row, said, pictures) for row in followed.over(desired, said)["instances"]]
    content = yaml.safe_load(rolled_out.compose.read_text())
    for row in rows:
        service = content["services"][slug(row["service"])]
        service["image"] = _reference(service["image"], row, said, desired["follow"]["registry"])
    path = kept.folder(site.place, called) / "compose.yaml"
    made_by = f"deploy, of what the supervisor of {site.machine} brought"
    text = compose.text(content, path, site.docker.host, made_by)
    kept.write(site.place, called, text, {**desired, "tag": release(called), "instances": rows})
    return kept.read(site.place, site.machine, called)


def _row(row: Mapping[str, Any], said: Brought, pictures: Mapping[str, InstancePicture]) -> Mapping[str, Any]:
    """A row that says where its image comes from, as far as it is known here."""
    if row["service"] not in said.images:
        return row
    picture = pictures.get(row["image_digest"])
    if picture is None:
        repository = str(row["image"]).rpartition(":")[0]
        return {**row, "image": f"{repository}:{said.release or 'followed'}-{row['machine']}"}
    told = {"image": picture.reference, "input_digest": picture.input_digest, "git_sha": picture.git_sha}
    return {**row, **told}


def _reference(before: str, row: Mapping[str, Any], said: Brought, registry: str) -> str:
    """How the machine knows an image: what was brought, by the registry that it was brought from."""
    if row["service"] in said.images:
        return f"{registry}/{slug(row['service'])}@{row['image_digest']}"
    repository, at, _ = before.partition("@")
    return f"{repository}@{row['image_digest']}" if at else before
