"""Takes back what `up` started on this host, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dockwright.engine import daemon, find
from dockwright.engine.docker import Docker
from dockwright.errors import EngineUnavailable
from dockwright.rollout import facts
from dockwright.rollout.place import here


@dataclass(frozen=True)
class Stopped:
    """The containers that were removed, and whether the tool's own engine was stopped."""

    stopped: tuple[str, ...]
    engine_stopped: bool


def down(*, keep_engine: bool, delete_state: bool, say: Callable[[str], None]) -> Stopped:
    """Remove the fleet's containers and network, then stop the engine of the tool's own. Raises DockwrightError."""
    with here().alone():
        return _down(keep_engine=keep_engine, delete_state=delete_state, say=say)


def _down(*, keep_engine: bool, delete_state: bool, say: Callable[[str], None]) -> Stopped:
    try:
        docker = find.running()
    except EngineUnavailable as error:
        if delete_state:
            # Volumes are the engine's: saying that they are gone would be a lie.
            says = f"what services keep cannot be deleted: {error}"
            raise EngineUnavailable(says, "./dockwright up, then down --delete-state") from error
        docker = None
    names = _remove(docker, delete_state=delete_state, say=say) if docker else ()
    own = find.own_daemon()
    engine = False
    if not keep_engine and own.pid() is not None:
        say("stopping the tool's own engine")
        engine = daemon.stop(own)
    return Stopped(names, engine)


def _remove(docker: Docker, *, delete_state: bool, say: Callable[[str], None]) -> tuple[str, ...]:
    place = here()
    names = tuple(sorted(facts.containers(docker)))
    if not place.compose.is_file():
        return ()
    if names:
        say(f"stopping {len(names)} containers")
    words = ["compose", "--file", str(place.compose), "--progress", "plain", "down", "--remove-orphans"]
    docker.run(*words, *(["--volumes"] if delete_state else []), timeout=300)
    return names
