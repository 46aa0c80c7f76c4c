"""What an engine's store holds, in bytes, and the freeing of its build cache. docker-py asks the engine itself.

Docker's client rounds what it prints, and its own sums are no measure of what would be freed: layers that several
images share are counted for each, and packed layers that only images hold for none.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dockwright.engine.docker import MIN_API, Docker
from dockwright.errors import EngineUnavailable

PATIENCE = 900
# Where containerd keeps packed layers: below the engine's own folder, or the system's where that runs.
CONTENT = "io.containerd.content.v1.content/blobs/sha256"
SYSTEM = Path("/var/lib/containerd") / CONTENT
COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")  # gzip, zstd
# BuildKit's words for steps that make a layer; every other line of a history is about settings.
MAKING = ("RUN", "COPY", "ADD", "WORKDIR")


@dataclass(frozen=True)
class Image:
    """An image, and what it is stored as: parts in bytes, each by a key of its own, some of which other images share.

    `layers` are unpacked and images' alone. What is `packed` build cache may hold as well.
    """

    digest: str
    references: tuple[str, ...]
    labels: Mapping[str, str]
    layers: Mapping[str, int]
    packed: Mapping[str, int]

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(name.rpartition(":")[2] for name in self.references if "@" not in name)


@dataclass(frozen=True)
class Container:
    """A container, running or not: the image that it needs, and the bytes that it wrote."""

    name: str
    image: str
    size: int


@dataclass(frozen=True)
class Cached:
    """A record of build cache. `used`: when last, RFC 3339."""

    size: int
    in_use: bool
    shared: bool
    used: str


@dataclass(frozen=True)
class Volume:
    name: str
    size: int
    project: str
    """The compose project that made it."""


@dataclass(frozen=True)
class Stored:
    """An engine's store. `layers`: all unpacked layers, the cache's too; `packed`: all packed ones, None if unseen.

    `logs`: what containers wrote, as far as this user may look.
    """

    images: tuple[Image, ...]
    containers: tuple[Container, ...]
    cache: tuple[Cached, ...]
    volumes: tuple[Volume, ...]
    layers: int
    packed: int | None
    logs: int

    @property
    def of_images(self) -> int:
        """The bytes of all images, each part once."""
        found: dict[str, int] = {}
        for image in self.images:
            found |= {**image.layers, **image.packed}
        return sum(found.values())

    @property
    def of_cache(self) -> int:
        """What build cache holds beyond the images: never more than its records say, which count some things twice."""
        told = sum(record.size for record in self.cache)
        if self.packed is None:
            return sum(record.size for record in self.cache if not record.shared)
        return max(0, min(told, self.layers + self.packed - self.of_images))

    @property
    def on_disk(self) -> int:
        """Images and build cache together, as near to the disk as the engine can be asked."""
        return self.of_images + self.of_cache if self.packed is None else self.layers + self.packed


def read(docker: Docker) -> Stored:
    """Look at an engine's store. Raises EngineUnavailable."""
    with _client(docker) as client:
        found: dict[str, Any] = client.df()
        home = Path(str(client.info().get("DockerRootDir", ""))) if docker.socket else None
        content = _content(home) if home else None
        images = [_image(client, str(entry["Id"]), content) for entry in found.get("Images") or ()]
    return Stored(
        tuple(image for image in images if image),
        tuple(_container(entry) for entry in found.get("Containers") or ()),
        tuple(_cached(entry) for entry in found.get("BuildCache") or ()),
        tuple(_volume(entry) for entry in found.get("Volumes") or ()),
        int(found.get("LayersSize") or 0),
        sum(map(_layer_size, content.iterdir())) if content else None,
        sum(path.stat().st_size for path in home.glob("containers/*/*.log*")) if home else 0,
    )


def _layer_size(path: Path) -> int:
    """The bytes of a packed layer; 0 for anything else. BuildKit keeps its history there too, which nothing frees."""
    try:
        with path.open("rb") as file:
            head = file.read(512)
            size = os.fstat(file.fileno()).st_size
    except OSError:
        return 0  # It went away meanwhile.
    return size if head.startswith(COMPRESSED) or head[257:262] == b"ustar" else 0


def free_cache(docker: Docker, unused_hours: int) -> int:
    """Free what no build has used for so many hours; returns the bytes that the engine says it freed."""
    filters = {"until": f"{unused_hours}h"} if unused_hours else None
    with _client(docker) as client:
        return int(client.prune_builds(filters=filters, all=True).get("SpaceReclaimed") or 0)


@contextmanager
def _client(docker: Docker) -> Iterator[Any]:
    import docker as sdk
    import requests

    try:
        version = f"{MIN_API[0]}.{MIN_API[1]}"  # Engines answer every version in its own shape.
        client = sdk.APIClient(docker.host, version, PATIENCE, use_ssh_client=docker.host.startswith("ssh://"))
        try:
            yield client
        finally:
            client.close()
    except (sdk.errors.DockerException, requests.RequestException) as error:
        said = f"the Docker engine at {docker.host} does not say what it stores: {error}"
        raise EngineUnavailable(said, "./dockwright status tells whether it is well") from error


def _content(home: Path) -> Path | None:
    """The folder of packed layers; None where there is none, or this user may not look."""
    for folder in (home / "containerd" / "daemon" / CONTENT, SYSTEM):
        try:
            if folder.is_dir() and any(folder.iterdir()):
                return folder
        except OSError:
            continue
    return None


def _image(client: Any, digest: str, content: Path | None) -> Image | None:
    """None for an image that somebody has removed meanwhile."""
    import docker.errors

    try:
        inspected: dict[str, Any] = client.inspect_image(digest)
        steps: list[dict[str, Any]] = client.history(digest)
    except docker.errors.NotFound:
        return None
    unpacked = layers(inspected["RootFS"].get("Layers") or [], steps[::-1])
    tags = inspected.get("RepoTags") or ()
    references = tags or inspected.get("RepoDigests") or ()
    labels = (inspected.get("Config") or {}).get("Labels") or {}
    return Image(digest, tuple(references), labels, unpacked, packed(content, digest) if content else {})


def layers(diffs: list[str], steps: list[dict[str, Any]]) -> dict[str, int]:
    """The unpacked layers of an image, each by all that is below it; a history that fits none counts for nothing."""
    made = [int(step.get("Size") or 0) for step in steps if step.get("Size") or _makes(step)]
    if len(made) != len(diffs):
        return {}
    chains = (hashlib.sha256("".join(diffs[: number + 1]).encode()).hexdigest() for number in range(len(diffs)))
    return {f"layer {chain}": size for chain, size in zip(chains, made, strict=True)}


def _makes(step: Mapping[str, Any]) -> bool:
    words = str(step.get("CreatedBy") or "").split()
    return bool(words) and words[0] in MAKING


def packed(content: Path, digest: str) -> dict[str, int]:
    """The packed layers of an image, as they lie on disk."""
    path = content / digest.removeprefix("sha256:")
    try:
        document = json.loads(path.read_bytes())
        found: dict[str, int] = {}
        for below in document.get("manifests", ()):
            found |= packed(content, str(below["digest"]))
        for below in document.get("layers", ()):
            name = str(below["digest"])
            file = content / name.removeprefix("sha256:")
            found |= {name: file.stat().st_size} if file.is_file() else {}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}
    return found


def _container(entry: Mapping[str, Any]) -> Container:
    name = str((entry.get("Names") or ["/"])[0]).removeprefix("/")
    return Container(name, str(entry.get("ImageID") or ""), int(entry.get("SizeRw") or 0))


def _cached(entry: Mapping[str, Any]) -> Cached:
    used = str(entry.get("LastUsedAt") or entry.get("CreatedAt") or "")
    return Cached(int(entry["Size"]), bool(entry["InUse"]), bool(entry["Shared"]), used)


def _volume(entry: Mapping[str, Any]) -> Volume:
    labels = entry.get("Labels") or {}
    size = int((entry.get("UsageData") or {}).get("Size") or 0)
    return Volume(str(entry["Name"]), max(0, size), str(labels.get("com.docker.compose.project", "")))
