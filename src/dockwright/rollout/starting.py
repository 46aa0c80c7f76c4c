"""Starting what the compose file says, on an engine that may have been killed before."""

from __future__ import annotations

from collections.abc import Callable

from dockwright.engine import daemon, find
from dockwright.engine.docker import Docker
from dockwright.errors import CommandFailed, Unreachable
from dockwright.rollout import bodies, facts, ports
from dockwright.rollout.choice import Choice
from dockwright.rollout.place import Place
from dockwright.spec.model import Fleet

Say = Callable[[str], None]
LEAKED = "port is already allocated"
# Seconds for all that waits for something else's health: what ends and is started again for ever never has one.
PATIENCE = 900.0


def free_ports(docker: Docker, fleet: Fleet, choice: Choice, place: Place, bind: str, say: Say) -> Docker:
    """Raise DockwrightError with every port that another program holds, before anything is stopped or started.

    An engine that was killed can come back holding ports for no container; the tool's own is started anew.
    """
    names = ports.wanted(fleet, choice)
    ours = {port for container in facts.containers(docker).values() for port in ports.held(container)}
    taken = ports.busy(bind, sorted(set(names) - ours))
    own = find.own_daemon().pid() if _is_own(docker) else None
    if taken and all(one.process == own for one in taken):
        docker = renew(docker, place, say)
        taken = ports.busy(bind, sorted(names))
    ports.refuse(taken, names)
    return docker


def _is_own(docker: Docker) -> bool:
    return docker.host == find.own_daemon().host


def renew(docker: Docker, place: Place, say: Say) -> Docker:
    """Remove the fleet's containers and start the tool's own engine anew; what services keep stays."""
    say("the engine was killed earlier and holds ports for no container: starting it anew")
    if place.compose.is_file():
        docker.run("compose", "--file", str(place.compose), "down", "--remove-orphans", check=False, timeout=300)
    daemon.stop(find.own_daemon())
    return daemon.start(find.own_daemon(), docker.program, say)


def start(docker: Docker, place: Place, say: Say) -> bool:
    """Let compose bring the containers to what the file says; returns whether it had anything to do."""
    before = _seen(docker)
    say("starting what is not running")
    try:
        _compose_up(docker, place)
    except CommandFailed as error:
        if LEAKED not in error.output or not _is_own(docker):
            raise
        docker = renew(docker, place, say)
        _compose_up(docker, place)
    instances = {
        name: found
        for name, found in facts.containers(docker).items()
        if found.labels.get("io.dockwright.role") == "instance"
    }
    place.write_bodies({name: bodies.body(dict(found.inspected)) for name, found in instances.items()})
    return before != _seen(docker)


def _seen(docker: Docker) -> dict[str, tuple[str, str]]:
    """Which containers there are, and since when each runs."""
    return {name: (found.inspected["Id"], found.since) for name, found in facts.containers(docker).items()}


def _compose_up(docker: Docker, place: Place) -> None:
    lines: list[str] = []
    words = ("compose", "--file", str(place.compose), "--progress", "plain", "up", "--detach", "--remove-orphans")
    try:
        docker.stream(*words, on_line=lines.append, timeout=PATIENCE)
    except Unreachable:
        return  # The gate tells what is not healthy even now.
    except CommandFailed as error:
        # A container whose dependency is not healthy: the gate tells which one and why, with its logs.
        told = any("unhealthy" in line or "exited" in line for line in lines)
        if not told or any(LEAKED in line for line in lines):
            output = "\n".join(lines[-15:])
            raise CommandFailed("docker compose could not start the fleet", "./dockwright up again", output) from error
