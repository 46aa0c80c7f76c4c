"""Every machine that something was rolled out to from this host, as it is now: each is asked, and all at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from dockwright.engine import endpoint, find, volume
from dockwright.engine.docker import Docker
from dockwright.errors import DockwrightError, Unreachable
from dockwright.rollout import claim, facts, status
from dockwright.rollout.place import Place, here
from dockwright.rollout.site import place_of
from dockwright.rollout.status import Row, Status
from dockwright.spec.address import Address

# Seconds: for an engine elsewhere to answer at all, and for each question after that.
PATIENCE, GLANCE = 5.0, 10.0
RUN = "/run/dockwright"


@dataclass(frozen=True)
class Machine:
    """One machine. `silent`: why its engine tells nothing; `otherwise`: how what the machine itself was told to run
    differs from what was rolled out to it from here; `held`: who changes it just now, and why.
    """

    status: Status
    silent: str = ""
    otherwise: tuple[str, ...] = ()
    held: str = ""

    @property
    def well(self) -> bool:
        return not self.silent and not self.otherwise and self.status.well


@dataclass(frozen=True)
class Overview:
    machines: tuple[Machine, ...]

    @property
    def rows(self) -> list[Row]:
        return [row for machine in self.machines for row in machine.status.rows]

    @property
    def healthy(self) -> int:
        return sum(machine.status.healthy for machine in self.machines)

    @property
    def well(self) -> bool:
        return all(machine.well for machine in self.machines)

    @property
    def silent(self) -> bool:
        return any(machine.silent for machine in self.machines)

    @property
    def left_out(self) -> list[Mapping[str, Any]]:
        """The instances of the fleet that run on none of these machines, with why."""
        running = {(row.service, row.machine) for row in self.rows if row.desired}
        found = {
            (entry["service"], entry["machine"]): entry
            for machine in self.machines
            for entry in machine.status.left_out
        }
        return [entry for instance, entry in found.items() if instance not in running]


@dataclass(frozen=True)
class Known:
    """A machine that something was rolled out to. `address`: None for the one that is this host."""

    place: Place
    desired: Mapping[str, Any]
    address: Address | None


def names() -> list[str]:
    """Every machine of the fleet, as what was rolled out from here tells it; empty where nothing was."""
    places = [here(), *(Place(folder) for folder in sorted((here().home / "machines").glob("*")))]
    read: list[Mapping[str, Any]] = [desired for place in places if (desired := place.read_desired())]
    return sorted({name for desired in read for name in desired.get("machines") or ()})


def known(addresses: Mapping[str, Address]) -> dict[str, Known]:
    """Machine -> what is kept of it on this host, this host's own first. Raises UnreadableInput."""
    found: dict[str, Known] = {}
    own = here().read_desired()
    if own is not None:
        found[str(own["machine"])] = Known(here(), own, None)
    for name, address in addresses.items():
        place = place_of(name, address)
        desired = None if address.local else place.read_desired()
        if desired is not None:
            found[name] = Known(place, desired, address)
    return found


def read(machines: Mapping[str, Known]) -> Overview:
    """Look at all of them. Raises Unreachable where there is only one, and its engine does not answer."""
    with ThreadPoolExecutor(max(1, len(machines))) as pool:
        return Overview(tuple(pool.map(lambda one: _look(*one, alone=len(machines) == 1), machines.items())))


def _look(name: str, machine: Known, *, alone: bool) -> Machine:
    try:
        docker = endpoint.reach(name, machine.address, PATIENCE) if machine.address else find.running()
        docker = replace(docker, patience=GLANCE)
        asked_at = (machine.address.host if machine.address else "") or machine.place.address()
        containers = facts.containers(docker)
        seen = status.read(containers, machine.desired, asked_at, machine.place.read_bodies())
        otherwise = compared(machine.desired, _told(docker, containers)) if machine.address else ()
        return Machine(seen, otherwise=otherwise, held=_held(docker))
    except Unreachable as error:
        if alone:
            raise
        why = f"{error}; {error.remedy}" if error.remedy else str(error)
        return Machine(status.silent(machine.desired, "its machine's engine does not answer"), silent=why)


def compared(here: Mapping[str, Any], there: Mapping[str, Any] | None) -> tuple[str, ...]:
    """How what a machine itself was told to run differs from what was rolled out to it from here. Pure."""
    if there is None:
        return ()
    mine, other = ({(row["service"], row["machine"]): row["image_digest"] for row in one["instances"]}
                   for one in (here, there))  # fmt: skip
    if mine == other:
        return ()
    differ = sorted(f"{machine}/{name}" for name, machine in mine.keys() | other.keys()
                    if mine.get((name, machine)) != other.get((name, machine)))  # fmt: skip
    says = f"it was told to run {there.get('tag', 'something')} and not {here.get('tag', 'this')}"
    return (f"{says}: {', '.join(differ)}",)


def _told(docker: Docker, containers: Mapping[str, facts.Container]) -> Mapping[str, Any] | None:
    """What the machine's own supervisor reads; None where nothing there reads it."""
    for container in containers.values():
        if any(mount["Destination"] == RUN for mount in container.inspected.get("Mounts") or ()):
            text = volume.read_file(docker, container.name, f"{RUN}/desired.json")
            try:
                found = json.loads(text) if text else None
            except ValueError:
                return None
            return found if isinstance(found, dict) and isinstance(found.get("instances"), list) else None
    return None


def _held(docker: Docker) -> str:
    try:
        found = claim.holder(docker)
    except DockwrightError:
        return ""
    if found is None:
        return ""
    gone = "; it is gone, and the next deploy takes over" if found.abandoned else ""
    return f"{found.who} since {found.since}: {found.why}{gone}"
