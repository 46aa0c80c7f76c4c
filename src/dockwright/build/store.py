"""What an engine already has: images found by the input digest that they carry as a label."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dockwright.build.images import LABEL_INPUT
from dockwright.engine.docker import Docker


@dataclass(frozen=True)
class Stored:
    """An image in an engine's store. `digest` is what a container of it refers to."""

    digest: str
    reference: str
    git_sha: str
    created: str
    input_digest: str


def stored(docker: Docker) -> dict[str, Stored]:
    """Input digest -> image, for every image that this tool built and the engine still has."""
    ids = docker.run("image", "ls", "--quiet", "--no-trunc", "--filter", f"label={LABEL_INPUT}").split()
    found: dict[str, Stored] = {}
    for entry in docker.inspect("image", sorted(set(ids))):
        made = _stored(entry)
        if made:
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
