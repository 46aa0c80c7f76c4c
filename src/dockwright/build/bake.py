"""The bake definition, made in memory: one BuildKit run builds the whole set, parents and children in parallel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dockwright.build import parts, tags
from dockwright.build.images import LABEL_INPUT, LABEL_PARTS, LABEL_ROLE, LABEL_UNLOCKED, Image
from dockwright.build.origin import Origin
from dockwright.build.root import EPOCH


@dataclass(frozen=True)
class Staged:
    """What one image is built from: its main context, its Dockerfile, and its named contexts but for its parent."""

    context: Path
    dockerfile: Path
    contexts: Mapping[str, str]


@dataclass(frozen=True)
class Shared:
    """What every target of a definition is given: secrets by id, build arguments."""

    secrets: Mapping[str, Path]
    arguments: Mapping[str, str]
    origin: Origin


def definition(
    images: Mapping[str, Image], present: Mapping[str, str], staged: Mapping[str, Staged], shared: Shared
) -> dict[str, object]:
    """A bake definition that builds `images`.

    `present`: image name -> reference of parents that need no build. `staged`: image name -> its files.
    """
    targets = {image.target: _target(image, images, present, staged[name], shared) for name, image in images.items()}
    return {"group": {"default": {"targets": sorted(targets)}}, "target": targets}


def _target(
    image: Image, images: Mapping[str, Image], present: Mapping[str, str], staged: Staged, shared: Shared
) -> dict[str, object]:
    contexts = dict(staged.contexts)
    if image.parent:
        inside = images.get(image.parent)
        contexts["parent"] = f"target:{inside.target}" if inside else f"docker-image://{present[image.parent]}"
    return {
        "context": str(staged.context),
        "dockerfile": str(staged.dockerfile),
        "contexts": contexts,
        "args": {"SOURCE_DATE_EPOCH": str(EPOCH), **shared.arguments, **image.arguments},
        "secret": [f"id={name},src={path}" for name, path in sorted(shared.secrets.items())],
        "labels": labels(image, shared.origin),
        "tags": [tags.by_input(image), tags.by_commit(image, shared.origin)],
        "target": "runtime",
        "output": ["type=docker"],
    }


def labels(image: Image, origin: Origin) -> dict[str, str]:
    """What an image says of itself to engines and registries: its inputs, and the commit that it was built from."""
    said = {
        LABEL_INPUT: image.input_digest,
        LABEL_PARTS: parts.record(image.parts),
        LABEL_ROLE: "instance" if image.instance else "family",
        "org.opencontainers.image.revision": origin.git_sha,
        "org.opencontainers.image.title": image.name,
        "org.opencontainers.image.version": tags.tag(image, origin),
    }
    if image.unlocked:
        said[LABEL_UNLOCKED] = " ".join(image.unlocked)
    if image.instance:
        said["io.dockwright.service"] = image.instance.service
    return said
