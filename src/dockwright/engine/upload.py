"""Pushing an image through the engine, which skips what a registry has and mounts what its neighbour has.

Docker's own client tells how many bytes move on terminals only; the engine itself tells everybody, and docker-py asks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dockwright.engine.docker import Docker
from dockwright.engine.registry import login
from dockwright.engine.registry.place import Place
from dockwright.errors import DockwrightError, EngineUnavailable, UsageError

DIGEST = re.compile(r"digest: (sha256:[0-9a-f]{64})")
PATIENCE = 600  # seconds without a word of the engine


@dataclass
class Moved:
    """Bytes of one push: of the layers that the registry lacks, in all and so far."""

    totals: dict[str, int] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)
    arrived: set[str] = field(default_factory=set)

    @property
    def total(self) -> int:
        return sum(self.totals.values())

    @property
    def so_far(self) -> int:
        return sum(self.sent.values())

    def take(self, said: Mapping[str, Any]) -> None:
        """Take one line of the engine's progress."""
        layer, status = str(said.get("id", "")), said.get("status")
        progress = said.get("progressDetail") or {}
        if status == "Pushing" and progress.get("total"):
            self.totals[layer] = max(self.totals.get(layer, 0), int(progress["total"]))
            self.sent[layer] = max(self.sent.get(layer, 0), int(progress.get("current", 0)))
        elif status == "Pushed":
            self.arrived.add(layer)
            self.sent[layer] = self.totals.get(layer, 0)

    def exactly(self, sizes: Mapping[str, int]) -> int:
        """Bytes of what arrived; `sizes`: digest -> size. Of a small layer the engine tells no size while it goes."""
        by_name = {digest.removeprefix("sha256:")[:12]: size for digest, size in sizes.items()}
        return sum(by_name.get(layer, self.totals.get(layer, 0)) for layer in self.arrived)


def push(docker: Docker, reference: str, place: Place, on_progress: Callable[[Moved], None]) -> tuple[str, Moved]:
    """Push what `reference` names in the engine under that very name; returns its digest in the registry.

    The engine sends the manifest last. Raises EngineUnavailable, DockwrightError with the engine's own words.
    """
    if docker.socket is None and place.loopback:
        raise UsageError(f"{place.host} is another host for the engine at {docker.host}", "name a registry both reach")
    import docker as sdk
    import requests

    known = login.credentials(place.host)
    who = {"username": known.user, "password": known.password, "serveraddress": place.host} if known else {}
    try:
        client = sdk.APIClient(docker.host, timeout=PATIENCE, use_ssh_client=docker.host.startswith("ssh://"))
        try:
            return _follow(client.push(reference, stream=True, decode=True, auth_config=who), reference, on_progress)
        finally:
            client.close()
    except (sdk.errors.DockerException, requests.RequestException) as error:
        raise EngineUnavailable(f"the Docker engine at {docker.host} broke off a push", "run it again") from error


def _follow(
    lines: Iterable[Mapping[str, Any]], reference: str, on_progress: Callable[[Moved], None]
) -> tuple[str, Moved]:
    moved, digest = Moved(), ""
    for said in lines:
        if "error" in said:
            raise DockwrightError(
                f"{reference} was not pushed: {str(said['error'])[:300]}", "run the same command again"
            )
        moved.take(said)
        on_progress(moved)
        found = DIGEST.search(str(said.get("status", "")))
        digest = found[1] if found else digest
    if not digest:
        raise DockwrightError(f"{reference} was not pushed: the engine broke off", "run the same command again")
    return digest, moved
