"""What a deploy goes back to where a wave of it fails."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from dockwright.release import health
from dockwright.release.record import Record
from dockwright.release.shelf import Shelf
from dockwright.rollout import brought, journal, kept
from dockwright.rollout.kept import Kept
from dockwright.rollout.site import Site
from dockwright.rollout.target import Seen, Target
from dockwright.spec.model import Instance


@dataclass(frozen=True)
class WayBack:
    """Machine -> what was rendered for it, of that which was healthy there last. Machines may differ in it."""

    kept: Mapping[str, Kept]

    @property
    def targets(self) -> dict[Instance, Target]:
        """What each instance goes back to. One that two machines had was a guest on the one that is not its own."""
        every = [target for one in self.kept.values() for target in one.targets.values()]
        return {each.instance: each for each in sorted(every, key=lambda each: each.host == each.instance.machine)}

    @property
    def names(self) -> dict[str, str]:
        return {machine: one.release for machine, one in self.kept.items()}

    def __str__(self) -> str:
        """For a person: one name, or one for each machine; empty where nothing was healthy yet."""
        names = {machine: _words(name) for machine, name in self.names.items()}
        if len(set(names.values())) > 1:
            return " and ".join(f"{name} on {machine}" for machine, name in names.items())
        return next(iter(names.values()), "")


def _words(name: str) -> str:
    release = brought.release(name)
    return name if release == name else f"{release} (as the supervisor brought it)"


def way_back(reached: Mapping[str, Site], shelf: Shelf, record: Record, running: Collection[Seen]) -> WayBack:
    """For each machine what its supervisor brought since, else the release that was healthy on it last, else what `up`
    rolled out here.
    """
    found: dict[str, Kept] = {}
    going = {brought.name(record.name)} if journal.here().unfinished() else set()
    for machine, site in reached.items():
        one = by_supervisor(site, shelf, running)
        if one is None or one.release in going:  # What is gone back to already is no way back from there.
            one = _healthy(site, shelf, record)
        if one:
            found[machine] = one
    return WayBack(found)


def by_supervisor(site: Site, shelf: Shelf, running: Collection[Seen]) -> Kept | None:
    """What runs on a machine because its supervisor brought it: by its word, or, where a deploy has come between, what
    that went back to, or was to go back to when it was cut off. All of it healthy, its release is noted so.

    What a deploy that was cut off has half brought is nothing to go back to: the supervisor is not asked then.
    """
    last = journal.here().last(site.machine)
    if last is None or not last.open:
        found = brought.now(site, shelf.all(), running)
        if found:
            brought.note_healthy(found, site, shelf)
            return found
    if last is None or last.end == "done" or brought.release(last.back_to) == last.back_to:
        return None
    before = kept.read(site.place, site.machine, last.back_to)
    return before if before and (last.open or _told(site, before)) else None


def _told(site: Site, one: Kept) -> bool:
    """Whether a machine is still told to run exactly this: `up` may have come since."""
    return {Instance(row["service"], row["machine"]): row["image_digest"] for row in site.place.told()} == {
        each: target.image for each, target in one.targets.items()
    }


def _healthy(site: Site, shelf: Shelf, record: Record) -> Kept | None:
    healthy = [one.name for one in health.read(shelf).order(shelf.all(), (site.machine,))]
    # The release itself is the way back where no other one is: it was healthy, and may be so again.
    names = sorted(healthy, key=lambda name: name == record.name)
    each = (brought.of(site.place, site.machine, name) for name in names)
    return next((one for one in each if one), None) or kept.read(site.place, site.machine, kept.UP)
