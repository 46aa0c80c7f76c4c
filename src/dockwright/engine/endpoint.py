"""Engines of the fleet's machines: here, over SSH, or over TCP with TLS."""

from __future__ import annotations

from pathlib import Path

from dockwright.engine import find
from dockwright.engine.docker import Docker, capable_client, connect
from dockwright.errors import EngineUnavailable
from dockwright.spec.address import Address


def reach(machine: str, address: Address, patience: float = 20) -> Docker:
    """The engine of a machine, if it answers within so many seconds and is able.

    Raises EngineUnavailable with what to do.
    """
    client = capable_client()
    if client is None:
        raise EngineUnavailable("no docker client with buildx and compose is here", "./dockwright up installs it")
    if address.local:
        return find.running()
    docker = connect(client, address.engine, environment(address), patience)
    if docker is None:
        raise EngineUnavailable(
            f"{machine}: the engine at {address.engine} does not answer", f"./dockwright doctor {machine} says why"
        )
    problem = find.lacking(docker)
    if problem:
        raise EngineUnavailable(f"{machine}: {problem}", f"upgrade Docker on {machine}")
    return docker


def environment(address: Address) -> dict[str, str]:
    """What the client needs beside the host: certificates, for TCP."""
    if not address.certificates:
        return {}
    folder = str(Path(address.certificates).expanduser())
    return {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": folder}
