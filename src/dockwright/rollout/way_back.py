"""What a deploy goes back to where a wave of it fails."""

from __future__ import annotations

from collections.abc import Mapping

from dockwright.release import health
from dockwright.release.record import Record
from dockwright.release.shelf import Shelf
from dockwright.rollout import kept
from dockwright.rollout.kept import Kept
from dockwright.rollout.site import Site
from dockwright.rollout.target import Target
from dockwright.spec.model import Instance


def way_back(
    reached: Mapping[str, Site], shelf: Shelf, record: Record
) -> tuple[dict[Instance, Target], str, dict[tuple[str, str], Kept]]:
    """What each instance goes back to: the release that was healthy last, else what `up` rolled out here."""
    last = health.last_healthy(shelf, but=(record.name,))
    again = health.last_healthy(shelf) if last is None else last
    for name in [one.name for one in (last, again) if one] + [kept.UP]:
        found = {machine: one for machine, site in reached.items() if (one := kept.read(site.place, machine, name))}
        if found:
            targets = {each: target for one in found.values() for each, target in one.targets.items()}
            return targets, name, {(machine, name): one for machine, one in found.items()}
    return {}, "", {}
