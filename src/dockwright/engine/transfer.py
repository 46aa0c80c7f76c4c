"""Images between an engine and a registry. The engine skips what is there, and mounts what its neighbour has.

Docker's own client tells how many bytes move on terminals only; the engine itself tells everybody, and docker-py asks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dockwright.engine.docker import Docker
from dockwright.engine.registry import login
from dockwright.engine.registry.place import Place
from dockwright.errors import DockwrightError, EngineUnavailable, UsageError

if TYPE_CHECKING:
    from docker import APIClient

DIGEST = re.compile(r"digest: (sha256:[0-9a-f]{64})")
MOVES, ARRIVED = ("Pushing", "Downloading"), ("Pushed", "Download complete", "Pull complete")
AGAIN = "run the same command again"
PATIENCE = 600  # seconds without a word of the engine


@dataclass
class Moved:
    """Bytes of one image: of the layers that the other side lacks, in all and so far."""

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
        if status in MOVES and progress.get("total"):
            self.totals[layer] = max(self.totals.get(layer, 0), int(progress["total"]))
            self.sent[layer] = max(self.sent.get(layer, 0), int(progress.get("current", 0)))
        elif status in ARRIVED:
            self.arrived.add(layer)
            self.sent[layer] = self.totals.get(layer, 0)

    def exactly(self, sizes: Mapping[str, int]) -> int:
        """Bytes of what arrived; `sizes`: digest -> size. Of a small layer the engine tells no size while it goes."""
        by_name = {digest.removeprefix("sha256:")[:12]: size for digest, size in sizes.items()}
        return sum(by_name.get(layer, self.totals.get(layer, 0)) for layer in self.arrived)


Follow = Callable[[Moved], None]


def push(docker: Docker, reference: str, place: Place, follow: Follow) -> tuple[str, Moved]:
    """Push what `reference` names in the engine under that very name; returns its digest in the registry.

    The engine sends the manifest last. Raises EngineUnavailable, DockwrightError with the engine's own words.
    """
    digest, moved = "", Moved()
    with _talk(docker, place) as (client, who):
        for said in client.push(reference, stream=True, decode=True, auth_config=who):
            _take(said, moved, follow, f"{reference} was not pushed")
            found = DIGEST.search(str(said.get("status", "")))
            digest = found[1] if found else digest
    if not digest:
        raise DockwrightError(f"{reference} was not pushed: the engine broke off", AGAIN)
    return digest, moved


def pull(docker: Docker, place: Place, digest: str, follow: Follow) -> None:
    """Pull an image by digest from a repository. Raises EngineUnavailable, DockwrightError."""
    moved = Moved()
    with _talk(docker, place) as (client, who):
        for said in client.pull(str(place), tag=digest, stream=True, decode=True, auth_config=who):
            _take(said, moved, follow, f"{place}@{digest} was not pulled")


@contextmanager
def _talk(docker: Docker, place: Place) -> Iterator[tuple[APIClient, dict[str, str]]]:
    """The engine as docker-py knows it, and what it is to tell the registry of who we are."""
    if docker.socket is None and place.loopback:
        raise UsageError(f"{place.host} is another host for the engine at {docker.host}", "name a registry both reach")
    import docker as sdk
    import requests

    known = login.credentials(place.host)
    who = {"username": known.user, "password": known.password, "serveraddress": place.host} if known else {}
    try:
        client = sdk.APIClient(docker.host, timeout=PATIENCE, use_ssh_client=docker.host.startswith("ssh://"))
        try:
            yield client, who
        finally:
            client.close()
    except sdk.errors.APIError as error:
        raise DockwrightError(
            f"the engine cannot: {str(error.explanation)[:300]}", "run the same command again"
        ) from error
    except (sdk.errors.DockerException, requests.RequestException) as error:
        raise EngineUnavailable(
            f"the Docker engine at {docker.host} broke off", "run the same command again"
        ) from error


def _take(said: Mapping[str, Any], moved: Moved, follow: Follow, fails: str) -> None:
    if "error" in said:
        raise DockwrightError(f"{fails}: {str(said['error'])[:300]}", AGAIN)
    moved.take(said)
    follow(moved)
