"""A release as files for its machines, kept on this host: one compose file and one desired.json each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from dockwright.build.store import Stored
from dockwright.engine.registry import place as registry
from dockwright.errors import UsageError
from dockwright.release.record import InstancePicture, Record
from dockwright.rollout import compose, kept
from dockwright.rollout.bring import bring
from dockwright.rollout.choice import Choice, LeftOut, choose
from dockwright.rollout.desired import desired
from dockwright.rollout.following import following
from dockwright.rollout.kept import Kept
from dockwright.rollout.site import Aside, Site
from dockwright.spec.model import Fleet

Say = Callable[[str], None]


@dataclass(frozen=True)
class Rendered:
    """Machine -> its files; and the instances of the fleet that the release leaves out, with why."""

    kept: Mapping[str, Kept]
    left_out: tuple[Mapping[str, str], ...]


def choices(fleet: Fleet, record: Record, cards: Mapping[str, bool]) -> dict[str, Choice]:
    """What runs on each machine: what the release has for it and the machine can run, and guests from machines that
    have no address. `cards`: whether a machine has one, of those with an address.
    """
    found: dict[str, Choice] = {}
    for machine, gpu in cards.items():
        choice = choose(fleet, machine, gpu=gpu, reached=cards)
        released = record.contents.instances
        missing = tuple(
            LeftOut(each, "the release does not have it") for each in choice.all if each.name not in released
        )
        found[machine] = Choice(
            machine,
            tuple(each for each in choice.instances if each.name in released),
            tuple(each for each in choice.guests if each.name in released),
            (*choice.left_out, *missing),
        )
    return found


def render(
    fleet: Fleet,
    record: Record,
    sites: Mapping[str, Site],
    aside: Mapping[str, Aside],
    pins: Mapping[str, str],
    say: Say,
) -> Rendered:
    """Write every site's files to this host. `pins`: instance -> the image, by digest, that it is held at.

    Raises UsageError where the release has nothing for these machines.
    """
    known: dict[str, Site | Aside] = {**sites, **aside}
    chosen = choices(fleet, record, {machine: known[machine].gpu for machine in fleet.machines if machine in known})
    where = {each: known[machine].address.host or "" for machine, choice in chosen.items() for each in choice.all}
    files: dict[str, Kept] = {}
    for machine, site in sites.items():
        choice = chosen[machine]
        if not choice.all:
            continue
        images = {
            each: _stored(record.contents.instances[each.name], record, pins.get(each.name)) for each in choice.all
        }
        named = {each: f"{one.reference.rpartition(':')[0]}@{one.digest}" for each, one in images.items()}
        others = {each: name for each, name in where.items() if each not in choice.all and name}
        group = 0
        for each in named:
            if fleet.implementations[each.service].docker and not site.local:
                bring(site, named[each], images[each].reference, registry.named(None), say)
            if fleet.implementations[each.service].docker:
                group = site.socket_group(named[each])
        content = compose.render(fleet, choice, named, site.host(group, others))
        origin = {"git_sha": record.contents.git_sha, "tag": record.name}
        follow = following(fleet, site.address)
        rows = desired(fleet, choice, images, datetime.now(UTC), origin, follow, pins)
        path = kept.folder(site.place, record.name) / "compose.yaml"
        text = compose.text(content, path, site.docker.host, f"deploy {record.name}")
        kept.write(site.place, record.name, text, rows)
        made = kept.read(site.place, machine, record.name)
        assert made is not None  # noqa: S101 - written above
        files[machine] = made
    if not files:
        says = f"release {record.name} has nothing for {', '.join(sites)}"
        raise UsageError(says, "./dockwright release show says what")
    left = {(entry.instance, entry.why) for machine in sites for entry in chosen[machine].left_out}
    running = {each for choice in chosen.values() for each in choice.all}
    return Rendered(
        files,
        tuple(
            {"instance": each.name, "why": why}
            for each, why in sorted(left, key=lambda one: one[0])
            if each not in running and not why.startswith("runs on ")
        ),
    )


def _stored(picture: InstancePicture, record: Record, pinned: str | None) -> Stored:
    digest = pinned or picture.digest
    return Stored(digest, picture.reference, picture.git_sha, record.created, picture.input_digest)
