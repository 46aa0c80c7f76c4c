"""A checkout of its own and images that stand in for its fleet's: their labels, tags and layers, but little in them.

Families are layers above each other, instances a layer above their family, as the real ones are. What is in them is
enough to be started and to be released: a static busybox and a bill of materials.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dockwright.build import bake, bases, oci, plan, root, store, tags
from dockwright.build.images import Image, plan_images
from dockwright.build.origin import read_origin
from dockwright.engine.docker import Docker
from dockwright.lock import deb_tasks
from dockwright.spec.load import load_fleet
from dockwright.spec.model import Fleet
from engines.fleet import ROOT

EPOCH = "2025-08-10T00:00:00Z"
Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Checkout:
    """A copy of what decides images and what runs, with a history of its own."""

    root: Path

    @property
    def fleet(self) -> Fleet:
        return load_fleet(self.root / "fleet")

    def git(self, *words: str) -> str:
        said = ("-c", "user.name=t", "-c", "user.email=t@example.invalid")
        done = subprocess.run(("git", "-C", self.root, *said, *words), check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, message: str) -> str:
        """Commit everything; returns the commit."""
        self.git("add", ".")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def images(self) -> dict[str, Image]:
        """Every implemented instance's image and the families below, as they are planned now."""
        fleet = self.fleet
        instances = [each for each in fleet.instances() if each.service in fleet.implementations]
        known = bases.expected(fleet, self.root, [fleet.services[each.service].family for each in instances])
        return plan_images(fleet, [], instances, self.root, known)


def checkout(folder: Path) -> Checkout:
    """A copy of this repository's parts that decide images and what runs, committed."""
    made = Checkout(folder / "checkout")
    ignored = shutil.ignore_patterns("__pycache__", "tests", ".*")
    for part in ("src", "fleet", "servicekit"):
        shutil.copytree(ROOT / part, made.root / part, ignore=ignored)
    (made.root / ".gitignore").write_text("__pycache__\n")
    made.git("init", "--quiet")
    made.commit("a copy")
    return made


def roots(folder: Path) -> None:
    """The roots of families without CUDA in the state directory, a few bytes each."""
    fleet = load_fleet(ROOT / "fleet")
    families = [name for name in fleet.by_generation() if not fleet.carries_cuda(name)]
    for name, of in bases.expected_packages(fleet, ROOT, families, locked=True).items():
        if name.removesuffix(deb_tasks.BUILD) in fleet.roots:
            layer = folder / "layer.tar"
            layer.write_bytes(name.encode())
            oci.write_layout(layer, root.recipe(fleet, name).folder(of), created=EPOCH)


def build(docker: Docker, made: Checkout, folder: Path, content: Callable[[str], Files]) -> dict[str, str]:
    """Build a stand-in for each planned image that the engine lacks; name -> reference. `content`: name -> files."""
    images, origin = made.images(), read_origin(made.root)
    wanted = plan.on(docker, images, origin).missing
    targets = {}
    for name, image in wanted.items():
        place = folder / image.target
        shutil.rmtree(place, ignore_errors=True)
        for path, data in content(name).items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_bytes(data)
            (place / path).chmod(0o755)
        first = "FROM parent" if image.parent else "FROM scratch"
        targets[image.target] = {
            "context": str(place),
            "contexts": {"parent": _parent(images[image.parent], wanted)} if image.parent else {},
            "dockerfile-inline": f'{first}\nCOPY . /\nCMD ["/bin/busybox", "sleep", "600"]\n',
            "labels": bake.labels(image, origin),
            "tags": [tags.by_input(image), tags.by_commit(image, origin)],
            "output": ["type=docker"],
        }
    if targets:
        definition = json.dumps({"group": {"default": {"targets": list(targets)}}, "target": targets})
        docker.run("buildx", "bake", "--provenance=false", "-f", "-", "default", stdin=definition, timeout=600)
    have = store.find(docker, images.values())
    return {name: have[image.input_digest].reference for name, image in images.items()}


def _parent(image: Image, wanted: Mapping[str, Image]) -> str:
    return f"target:{image.target}" if image.name in wanted else f"docker-image://{tags.by_input(image)}"
