"""Engines of the fleet's machines: here, over SSH, or over TCP with TLS."""

from __future__ import annotations

from pathlib import Path

from dockwright.engine import find, ssh
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
    try:
        docker = _connected(client, address, patience)
    except EngineUnavailable as error:
        raise EngineUnavailable(f"{machine}: {error}", error.remedy) from error
    problem = find.lacking(docker)
    if problem:
        raise EngineUnavailable(f"{machine}: {problem}", f"upgrade Docker on {machine}")
    return docker


def _connected(client: Path, address: Address, patience: float) -> Docker:
    link = ssh.link(address.engine, address.socket, patience) if address.engine.startswith("ssh://") else None
    docker = connect(client, address.engine, environment(address), patience, link)
    if docker is None:
        raise link.trouble() if link else _silent(address)
    return docker


def _silent(address: Address) -> EngineUnavailable:
    over_tcp = "is dockerd listening there with --tlsverify, and are the certificates of the same CA?"
    remedy = over_tcp if address.engine.startswith("tcp://") else "is that socket right, and dockerd running?"
    return EngineUnavailable(f"the engine at {address.engine} does not answer", remedy)


def environment(address: Address) -> dict[str, str]:
    """What the client needs beside the host: certificates, for TCP."""
    if not address.certificates:
        return {}
    folder = str(Path(address.certificates).expanduser())
    return {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": folder}
