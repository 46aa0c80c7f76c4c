"""The bake definition, made in memory: one BuildKit run builds the whole set, parents and children in parallel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dockwright.build import parts, tags
from dockwright.build.images import FAMILY_END, LABEL_INPUT, LABEL_PARTS, LABEL_ROLE, LABEL_UNLOCKED, Image
from dockwright.build.origin import Origin
from dockwright.build.root import EPOCH

Target = dict[str, object]

# What a family's Dockerfile makes is a target of its own; the family is that with its bill of materials on top.
CONTENTS = "_contents"


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


def targets(image: Image) -> tuple[str, ...]:
    """An image's targets in a bake definition: the first one's Dockerfile is its own, the last one is the image."""
    return (image.target,) if image.instance else (f"{image.target}{CONTENTS}", image.target)


def definition(
    images: Mapping[str, Image], present: Mapping[str, str], staged: Mapping[str, Staged], shared: Shared
) -> dict[str, object]:
    """A bake definition that builds `images`.

    `present`: image name -> reference of parents that need no build. `staged`: image name -> its files.
    """
    made: dict[str, object] = {}
    for name, image in images.items():
        contexts = _contexts(image, images, present, staged[name])
        parts = (_instance if image.instance else _family)(image, staged[name], contexts, shared)
        made.update(zip(targets(image), parts, strict=True))
    return {"group": {"default": {"targets": sorted(image.target for image in images.values())}}, "target": made}


def _contexts(image: Image, images: Mapping[str, Image], present: Mapping[str, str], staged: Staged) -> dict[str, str]:
    contexts = dict(staged.contexts)
    if image.parent:
        inside = images.get(image.parent)
        contexts["parent"] = f"target:{inside.target}" if inside else f"docker-image://{present[image.parent]}"
    return contexts


def _instance(image: Image, staged: Staged, contexts: Mapping[str, str], shared: Shared) -> tuple[Target]:
    return ({**_built(image, staged, contexts, shared), **_finished(image, shared.origin)},)


def _family(image: Image, staged: Staged, contexts: Mapping[str, str], shared: Shared) -> tuple[Target, Target]:
    """What the family's own Dockerfile makes, and that with its bill of materials."""
    ended = {
        "context": contexts["known"],
        "dockerfile": f"{contexts['scripts']}/{FAMILY_END}",
        "contexts": {
            **contexts,
            "contents": f"target:{targets(image)[0]}",
            "parent": contexts["parent" if image.parent else "root"],
        },
        "args": {"SOURCE_DATE_EPOCH": str(EPOCH), "NAME": image.name, "BELOW": image.parent or str(image.root)},
        **_finished(image, shared.origin),
    }
    return _built(image, staged, contexts, shared), ended


def _built(image: Image, staged: Staged, contexts: Mapping[str, str], shared: Shared) -> Target:
    return {
        "context": str(staged.context),
        "dockerfile": str(staged.dockerfile),
        "contexts": dict(contexts),
        "args": {"SOURCE_DATE_EPOCH": str(EPOCH), **shared.arguments, **image.arguments},
        "secret": [f"id={name},src={path}" for name, path in sorted(shared.secrets.items())],
        "target": "runtime",
    }


def _finished(image: Image, origin: Origin) -> Target:
    return {
        "labels": labels(image, origin),
        "tags": [tags.by_input(image), tags.by_commit(image, origin)],
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
