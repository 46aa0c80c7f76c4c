"""What a deploy goes back to where a wave of it fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dockwright.release import health
from dockwright.release.record import Record
from dockwright.release.shelf import Shelf
from dockwright.rollout import kept
from dockwright.rollout.kept import Kept
from dockwright.rollout.site import Site
from dockwright.rollout.target import Target
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
        names = self.names
        if len(set(names.values())) > 1:
            return " and ".join(f"{name} on {machine}" for machine, name in names.items())
        return next(iter(names.values()), "")


def way_back(reached: Mapping[str, Site], shelf: Shelf, record: Record) -> WayBack:
    """For each machine the release that was healthy on it last, else what `up` rolled out here."""
    found: dict[str, Kept] = {}
    seen, records = health.read(shelf), shelf.all()
    for machine, site in reached.items():
        healthy = [one.name for one in seen.order(records, (machine,))]
        # The release itself is the way back where no other one is: it was healthy, and may be so again.
        names = [*sorted(healthy, key=lambda name: name == record.name), kept.UP]
        one = next((one for name in names if (one := kept.read(site.place, machine, name))), None)
        if one:
            found[machine] = one
    return WayBack(found)
