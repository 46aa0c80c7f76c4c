"""What an engine already has: images found by the input digest that they carry as a label."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dockwright.build.images import LABEL_INPUT
from dockwright.build.origin import Origin
from dockwright.engine.docker import Docker

DIRTY = re.compile(r":([\w.-]+-)?\d{8}-\w+-dirty(-[\w.-]+)?$")


@dataclass(frozen=True)
class Stored:
    """An image in an engine's store. `digest` is what a container of it refers to."""

    digest: str
    reference: str
    git_sha: str
    created: str
    input_digest: str

    @property
    def dirty(self) -> bool:
        """Whether it was built from a work tree that no commit has: what it says of its commit is not the truth."""
        return DIRTY.search(self.reference) is not None


def usable(found: Mapping[str, Stored], origin: Origin) -> dict[str, Stored]:
    """What a build of `origin` may take as it is. A commit wants images that can say so: none of a dirty work tree."""
    return {digest: image for digest, image in found.items() if origin.dirty or not image.dirty}


def stored(docker: Docker) -> dict[str, Stored]:
    """Input digest -> image, for every image that this tool built and the engine still has."""
    ids = docker.run("image", "ls", "--quiet", "--no-trunc", "--filter", f"label={LABEL_INPUT}").split()
    found: dict[str, Stored] = {}
    for entry in docker.inspect("image", sorted(set(ids))):
        made = _stored(entry)
        if made and (made[0] not in found or found[made[0]].dirty):
            found[made[0]] = made[1]
    return found


def _stored(entry: dict[str, Any]) -> tuple[str, Stored] | None:
    tags = entry.get("RepoTags") or []
    labels = (entry.get("Config") or {}).get("Labels") or {}
    if not tags or LABEL_INPUT not in labels:
        return None
    sha = labels.get("org.opencontainers.image.revision", "unknown")
    return labels[LABEL_INPUT], Stored(entry["Id"], tags[0], sha, entry.get("Created", ""), labels[LABEL_INPUT])


def unpacked_sizes(docker: Docker, references: Iterable[str]) -> dict[str, int]:
    """Reference -> bytes of all layers, unpacked, as the engine's history counts them."""
    found = {}
    for reference in references:
        text = docker.run("history", "--no-trunc", "--human=false", "--format", "{{json .Size}}", reference)
        found[reference] = sum(int(json.loads(line)) for line in text.splitlines() if line.strip())
    return found
