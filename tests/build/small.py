"""A copy of what decides this repository's images, and the plan for every family and a few services."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from dockwright.build import bases
from dockwright.build.bases import Base
from dockwright.build.images import Image, plan_images
from dockwright.build.origin import Origin
from dockwright.build.plan import Plan
from dockwright.lock import debs
from dockwright.spec.load import load_fleet
from dockwright.spec.model import Instance

ROOT = Path(__file__).parents[2]
# One on mainpc, one on pc2, one on both; the last stands on base-cpu-pydeps, the others on family-web.
SERVICES = ("ServiceRegistry", "CentralErrorBus", "SelfHealingSupervisor")
CPU = {"base-python", "base-utils", "base-cpu-pydeps", "family-web"}
TORCH = {"family-torch-cu121", "family-llm-cu121"}
GPU = {"base-gpu-cu121", "family-vision-cu121"} | TORCH
FAMILIES = CPU | GPU | {"legacy-py310-cpu"}
SUPERVISORS = {"mainpc/SelfHealingSupervisor", "pc2/SelfHealingSupervisor"}
NOTHING = Plan({}, Origin("unknown", True, "20261124"))
INSTANCES = {"mainpc/ServiceRegistry", "pc2/CentralErrorBus"} | SUPERVISORS


def checkout(folder: Path) -> Path:
    """This repository's parts that decide images, for a test to change."""
    made = folder / "checkout"
    ignore = shutil.ignore_patterns("__pycache__", ".*")
    for part in ("fleet", "servicekit"):
        shutil.copytree(ROOT / part, made / part, ignore=ignore)
    return made


def planned(root: Path, **other: Base) -> dict[str, Image]:
    """Images of every family and of three services. `other`: what some locks are to stand for instead."""
    fleet = load_fleet(root / "fleet")
    instances = [Instance(name, machine) for name in SERVICES for machine in fleet.services[name].machines]
    known = bases.expected(fleet, root, fleet.by_generation())
    assert other.keys() <= known.keys()
    return plan_images(fleet, fleet.by_generation(), instances, root, known | other)


def relocked(file: Path, name: str, **other: Any) -> None:
    """Write a lock of Debian packages as if something else had been locked of one. `other`: fields of its Deb."""
    lock = debs.read(file, file.name)
    found = {**lock.debs, name: replace(lock.debs[name], **other)}
    file.write_text(debs.render({key: value for key, value in lock.head.items() if key != "content"}, found.values()))


def changed(before: dict[str, Image], after: dict[str, Image]) -> set[str]:
    """Names of images whose input digests differ."""
    assert before.keys() == after.keys()
    return {name for name in before if before[name].input_digest != after[name].input_digest}
