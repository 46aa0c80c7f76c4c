"""`dockwright up` as a story: choose, build, render, start, wait until healthy."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dockwright.build import make
from dockwright.build.origin import read_origin
from dockwright.build.planning import Asked, Planned
from dockwright.build.store import Stored
from dockwright.engine import find
from dockwright.engine.docker import Docker
from dockwright.engine.registry.place import named
from dockwright.engine.state import write_atomically
from dockwright.errors import DockwrightError, EngineUnavailable, UsageError
from dockwright.release import health, shelf
from dockwright.rollout import compose, facts, gate
from dockwright.rollout.choice import Choice, choose
from dockwright.rollout.desired import desired
from dockwright.rollout.following import following, login
from dockwright.rollout.place import Place, here
from dockwright.rollout.starting import free_ports, start
from dockwright.spec.address import Address, load_addresses, user_file
from dockwright.spec.model import Fleet, Instance

Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """What `up` did. `release`: the name of the one that runs here, all of it healthy; empty where it is none."""

    choice: Choice
    planned: Planned
    built: make.Built
    changed: bool
    failures: tuple[gate.Failure, ...]
    rows: tuple[Mapping[str, Any], ...]
    engine: Docker
    release: str


def up(fleet: Fleet, root: Path, *, machine: str | None, bind: str, install: bool, say: Say) -> Outcome:
    """Bring this host to what the fleet declares for it. Running it again goes on where an earlier run stopped.

    Raises DockwrightError: no engine, a build that failed, ports that other programs hold.
    """
    place = here()
    with place.alone():
        return _up(fleet, root, place, machine, bind, install, say)


def _up(fleet: Fleet, root: Path, place: Place, machine: str | None, bind: str, install: bool, say: Say) -> Outcome:
    docker = find.ensure(allowed=install, say=say)
    socket = local_socket(docker)
    cards = facts.cards()
    choice = choose(fleet, pick_machine(fleet, machine, place, cards), gpu=bool(cards))
    if not choice.all:
        raise UsageError(f"no service of {choice.machine} is implemented yet", "choose another --machine")
    planned, built = build(docker, fleet, choice, root, install=install, say=say)
    choice = buildable(choice, planned, place)
    images = {instance: built.of(instance.name) for instance in choice.all}
    address = load_addresses(root / "fleet", fleet.machines, user_file()).get(choice.machine)
    docker = free_ports(docker, fleet, choice, place, bind, say)
    place.prepare()
    place.write_bind(bind)
    wanted = _wanted(fleet, choice, images, root, address)
    secret = login(fleet, address)
    place.write_login(secret)
    host = compose.Host(socket, socket.stat().st_gid, _cpus(docker), bind, place, gpu=bool(cards), login=bool(secret))
    by_digest = docker.image_store == "containerd"
    named = {instance: image.named(by_digest=by_digest) for instance, image in images.items()}
    text = compose.text(compose.render(fleet, choice, named, host), place.compose, docker.host, "up")
    write_atomically(place.compose, text)
    place.write_desired(wanted)
    rows: list[Mapping[str, Any]] = wanted["instances"]
    changed = start(docker, place, say)
    failures = gate.wait(docker, rows, place.address(), say if changed else _silent)
    release = "" if failures else note_healthy(choice.machine, rows, say)
    return Outcome(choice, planned, built, changed, tuple(failures), tuple(rows), docker, release)


def note_healthy(machine: str, rows: Iterable[Mapping[str, Any]], say: Say) -> str:
    """Note that everything is healthy, for the release that has exactly these images; its name, empty without one."""
    running = {f"{row['machine']}/{row['service']}": str(row["image_digest"]) for row in rows}
    try:
        found = health.note(shelf.here(), machine, running, datetime.now(UTC))
    except DockwrightError as error:
        say(f"that all is healthy was not noted for any release: {error}")  # What runs is none the worse for it.
        return ""
    return found.name if found else ""


def _silent(_: str) -> None:
    """Nothing changed: that each instance is as healthy as before is no news."""


def local_socket(docker: Docker) -> Path:
    """The engine's socket on this host. Raises EngineUnavailable for an engine elsewhere: its files are not here."""
    socket = docker.socket
    if socket is None or not socket.exists():
        raise EngineUnavailable(
            f"the engine at {docker.host} is not on this host, so it cannot see this host's files",
            "run ./dockwright up on that machine, or unset DOCKER_HOST",
        )
    return socket.resolve()


def pick_machine(fleet: Fleet, named: str | None, place: Place, cards: list[str]) -> str:
    """The machine that this host plays: the one named, the one of the last `up`, the one with its card, the first."""
    if named is not None and named not in fleet.machines:
        raise UsageError(f"no machine is called '{named}'", f"choose from {', '.join(fleet.machines)}")
    last = (place.read_desired() or {}).get("machine")
    by_card = [
        name
        for name, machine in fleet.machines.items()
        if any(word in card for card in cards for word in machine.gpu.split() if any(map(str.isdigit, word)))
    ]
    return next(
        name for name in (named, last, *by_card, *fleet.machines) if isinstance(name, str) and name in fleet.machines
    )


def build(
    docker: Docker, fleet: Fleet, choice: Choice, root: Path, *, install: bool, say: Say
) -> tuple[Planned, make.Built]:
    """Build what a choice needs and the engine lacks."""
    asked = Asked(install=install, registry=named(None))
    return make.ensure(docker, fleet, (), choice.all, root, asked, say)


def buildable(choice: Choice, planned: Planned, place: Place) -> Choice:
    """What can be built of a choice. Raises DockwrightError where that would stop what runs, or nothing is left."""
    rest = choice.without({name: f"cannot be built: {error}" for name, error in planned.unmade.items()})
    last: Any = (place.read_desired() or {}).get("instances", ())
    running = {f"{row['machine']}/{row['service']}" for row in last}
    for name, error in planned.unmade.items():
        if name in running or not rest.all:
            raise error
    return rest


def _wanted(
    fleet: Fleet, choice: Choice, images: Mapping[Instance, Stored], root: Path, address: Address | None
) -> dict[str, Any]:
    origin = read_origin(root)
    said = {"git_sha": origin.git_sha, "tag": origin.tag}
    return desired(fleet, choice, images, datetime.now(UTC), said, following(fleet, address))


def _cpus(docker: Docker) -> int:
    text = docker.run("info", "--format", "{{.NCPU}}").strip()
    return int(text) if text.isdigit() else os.cpu_count() or 1
