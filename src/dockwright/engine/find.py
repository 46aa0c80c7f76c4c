"""Which engine the tool uses: one that answers and is able, else one that it installs and starts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from dockwright.engine import command, daemon, install
from dockwright.engine.docker import MIN_API, Docker, capable_client, clients, connect
from dockwright.engine.state import state_dir
from dockwright.errors import CommandFailed, EngineUnavailable

SYSTEM_SOCKET = Path("/var/run/docker.sock")


def own_daemon() -> daemon.Daemon:
    """The engine of the tool's own below the state directory."""
    return daemon.Daemon(state_dir() / "engine")


def candidates(client: Path) -> Iterator[str]:
    """Where an engine may answer, in the order in which they are asked; the client is asked when it comes to that."""
    named = os.environ.get("DOCKER_HOST")
    if named:
        yield named  # The user chose: nothing else is tried.
        return
    yield own_daemon().host
    context, system = _context_host(client), f"unix://{SYSTEM_SOCKET}"
    if context not in ("", system):
        yield context
    yield system


def _context_host(client: Path) -> str:
    words = (client, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
    try:
        done = command.run(words, timeout=20, check=False)
    except CommandFailed:
        return ""
    return done.stdout.strip() if done.ok else ""


def lacking(docker: Docker) -> str:
    """What an answering engine lacks, in words; empty when it can do everything."""
    if docker.api < MIN_API:
        return (
            f"the engine at {docker.host} is Docker {docker.engine_version} (API {docker.api[0]}.{docker.api[1]}); "
            f"API {MIN_API[0]}.{MIN_API[1]} (Docker 25) or newer is needed"
        )
    return ""


Seen = tuple[Docker | None, Path | None]


@contextmanager
def asked() -> Iterator[Future[Seen]]:
    """Ask for an engine while something else is done: what `running` and `ensure` take as `seen`."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(look)


def running(seen: Seen | None = None) -> Docker:
    """An able engine that answers now; installs and starts nothing. Raises EngineUnavailable."""
    found, client = seen or look()
    if found is None:
        raise EngineUnavailable("no Docker engine answers", "./dockwright up installs and starts one")
    return replace(found, program=client) if client else found


def look() -> Seen:
    """The engine that answers whatever client there is, and the client that can build: both take a while to ask."""
    present = next(iter(clients()), None)
    if present is None:
        return None, None
    with ThreadPoolExecutor(1) as pool:
        able = pool.submit(capable_client)
        return _answering(present), able.result()


def _answering(client: Path) -> Docker | None:
    for host in candidates(client):
        docker = connect(client, host)
        if docker is None:
            continue
        problem = lacking(docker)
        if problem:
            raise EngineUnavailable(problem, "upgrade that engine, or set DOCKER_HOST to another one")
        return docker
    return None


def ensure(*, allowed: bool, say: Callable[[str], None], seen: Seen | None = None) -> Docker:
    """An able engine, installed and started where need be; `allowed` is false for --no-install.

    Raises EngineUnavailable with the precise thing to do where the tool may not or cannot do it.
    """
    # An old engine that already runs is never upgraded or replaced behind its owner's back.
    old, able = seen or look()
    if old and able:
        return replace(old, program=able)
    client = install.ensure_client(install.read_host(), allowed=allowed, say=say)
    named = os.environ.get("DOCKER_HOST")
    if named:
        found = _answering(client)
        if found is None:
            raise EngineUnavailable(f"no engine answers at DOCKER_HOST={named}", "start it, or unset DOCKER_HOST")
        return found
    return _answering(client) or _start(client, say)


def _start(client: Path, say: Callable[[str], None]) -> Docker:
    if os.geteuid() != 0:
        raise EngineUnavailable("no Docker engine answers and only root can start one", "run as root, or start Docker")
    if install.service_manager():
        daemon.start_service(say)
        found = _answering(client)
        if found is None:
            raise EngineUnavailable("systemd started Docker, but it does not answer", "see journalctl -u docker")
        return found
    return daemon.start(own_daemon(), client, say)
