"""What an engine already has: images found by the input digest that is their tag and that they carry as a label."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from dockwright.build import parts, tags
from dockwright.build.images import LABEL_INPUT, LABEL_PARTS, Image
from dockwright.engine.docker import Docker

DIRTY = re.compile(r"(^|-)\d{8}-\w+-dirty(-[\w.-]+)?$")

# A client of the engine waits most of the time.
AT_ONCE = 4
CHUNK = 32


@dataclass(frozen=True)
class Stored:
    """An image in an engine's store. `digest` is what a container of it refers to.

    `git_sha` and `tag` are those of the commit that it was built from; later commits with equal inputs add tags.
    """

    digest: str
    reference: str
    git_sha: str
    tag: str
    input_digest: str
    name: str = ""
    references: frozenset[str] = frozenset()
    layers: tuple[str, ...] = ()
    parts: parts.Parts | None = None

    @property
    def dirty(self) -> bool:
        """Whether it was built from a work tree that no commit has: what it says of its commit is not the truth."""
        return DIRTY.search(self.tag) is not None

    def named(self, *, by_digest: bool) -> str:
        """How a container names it. Without a containerd image store an engine knows no digest of its own."""
        return f"{self.reference}@{self.digest}" if by_digest else self.reference


def find(docker: Docker, images: Iterable[Image]) -> dict[str, Stored]:
    """Input digest -> image, of those images that the engine has."""
    wanted = {tags.by_input(image): image.input_digest for image in images}
    found = {stored.input_digest: stored for stored in _read(docker, sorted(wanted))}
    # A tag that somebody moved by hand proves nothing; the label does.
    return {digest: found[digest] for digest in wanted.values() if digest in found}


def every(docker: Docker) -> list[Stored]:
    """Every image that this tool built and the engine still has. Slower than `find`: the engine adds sizes up."""
    ids = docker.run("image", "ls", "--quiet", "--no-trunc", "--filter", f"label={LABEL_INPUT}").split()
    return list(_read(docker, sorted(set(ids))))


def _read(docker: Docker, names: list[str]) -> Iterator[Stored]:
    chunks = [names[first : first + CHUNK] for first in range(0, len(names), CHUNK)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for entries in pool.map(lambda chunk: docker.inspect("image", chunk), chunks):
            yield from filter(None, map(_stored, entries))


def _stored(entry: dict[str, Any]) -> Stored | None:
    references = entry.get("RepoTags") or []
    labels = (entry.get("Config") or {}).get("Labels") or {}
    if not references or LABEL_INPUT not in labels:
        return None
    tag = labels.get("org.opencontainers.image.version", "")
    return Stored(
        entry["Id"],
        next((one for one in references if one.endswith(f":{tag}")), references[0]),
        labels.get("org.opencontainers.image.revision", "unknown"),
        tag,
        labels[LABEL_INPUT],
        labels.get("org.opencontainers.image.title", ""),
        frozenset(references),
        tuple((entry.get("RootFS") or {}).get("Layers") or ()),
        parts.recorded(labels.get(LABEL_PARTS, "")),
    )


def unpacked_sizes(docker: Docker, references: Iterable[str]) -> dict[str, int]:
    """Reference -> bytes of all layers, unpacked, as the engine's history counts them."""

    def size(reference: str) -> int:
        text = docker.run("history", "--no-trunc", "--human=false", "--format", "{{json .Size}}", reference)
        return sum(int(json.loads(line)) for line in text.splitlines() if line.strip())

    wanted = list(references)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(wanted, pool.map(size, wanted), strict=True))
