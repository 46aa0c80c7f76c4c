"""The bake definition, made in memory: one BuildKit run builds the whole set, parents and children in parallel."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dockwright.build.images import LABEL_INPUT, LABEL_ROLE, LABEL_UNLOCKED, Image
from dockwright.build.origin import Origin
from dockwright.build.root import EPOCH
from dockwright.spec import context


@dataclass(frozen=True)
class Shared:
    """What every target of a definition is given: named contexts by name, secrets by id, build arguments."""

    contexts: Mapping[str, str]
    secrets: Mapping[str, Path]
    arguments: Mapping[str, str]
    origin: Origin


def reference(image: Image, origin: Origin) -> str:
    """The tag under which a build made now stores an image."""
    return f"{image.repository}:{image.tag_prefix}{origin.tag}{image.tag_suffix}"


def definition(
    images: Mapping[str, Image], present: Mapping[str, str], staged: Mapping[str, dict[str, str]], shared: Shared
) -> dict[str, object]:
    """A bake definition that builds `images`.

    `present`: image name -> reference of parents that need no build. `staged`: image name -> its own contexts; the
    one named `.` is the main context.
    """
    targets = {image.target: _target(image, images, present, staged[name], shared) for name, image in images.items()}
    return {"group": {"default": {"targets": sorted(targets)}}, "target": targets}


def _target(
    image: Image, images: Mapping[str, Image], present: Mapping[str, str], staged: dict[str, str], shared: Shared
) -> dict[str, object]:
    contexts = {**shared.contexts, **{name: path for name, path in staged.items() if name != "."}}
    if image.parent:
        inside = images.get(image.parent)
        contexts["parent"] = f"target:{inside.target}" if inside else f"docker-image://{present[image.parent]}"
    return {
        "context": staged["."],
        "dockerfile": str(image.dockerfile),
        "contexts": contexts,
        "args": {"SOURCE_DATE_EPOCH": str(EPOCH), **shared.arguments, **image.arguments},
        "secret": [f"id={name},src={path}" for name, path in sorted(shared.secrets.items())],
        "labels": labels(image, shared.origin),
        "tags": [reference(image, shared.origin)],
        "target": "runtime",
        "output": ["type=docker"],
    }


def labels(image: Image, origin: Origin) -> dict[str, str]:
    """What an image says of itself to engines and registries."""
    said = {
        LABEL_INPUT: image.input_digest,
        LABEL_ROLE: "instance" if image.instance else "family",
        "org.opencontainers.image.revision": origin.git_sha,
        "org.opencontainers.image.title": image.name,
    }
    if image.unlocked:
        said[LABEL_UNLOCKED] = " ".join(image.unlocked)
    if image.instance:
        said["io.dockwright.service"] = image.instance.service
    return said


def stage(folder: Path, into: Path, digest: str) -> Path:
    """Copy what a build may see of a folder to `into/<digest>`: exactly the files that its digest covers."""
    target = into / digest
    if not target.exists():
        for path in context.files(folder):
            copy = target / path.relative_to(folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
            copy.chmod(0o755 if os.access(path, os.X_OK) else 0o644)
        target.mkdir(exist_ok=True)
    return target


def stage_texts(texts: Mapping[str, str], into: Path, digest: str) -> Path:
    """Write generated files (path -> text) to `into/<digest>`, every time set to the epoch: they are copied as is."""
    target = into / digest
    for name, text in texts.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (EPOCH, EPOCH))
    for here, _, _ in os.walk(target):
        os.utime(here, (EPOCH, EPOCH))
    return target
