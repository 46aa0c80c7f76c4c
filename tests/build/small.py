"""A copy of what decides this repository's images, and the plan for a few of them."""

from __future__ import annotations

import shutil
from pathlib import Path

from dockwright.build.images import Image
from dockwright.build.make import plan_images
from dockwright.build.oci import Layout
from dockwright.spec.load import load_fleet
from dockwright.spec.model import Instance

ROOT = Path(__file__).parents[2]
ROOTS = {name: Layout(Path("/roots") / name, f"sha256:{name}", 1) for name in ("debian-bookworm", "build")}
# One on mainpc, one on pc2, one on both; the last stands on base-cpu-pydeps, the others on family-web.
SERVICES = ("ServiceRegistry", "CentralErrorBus", "SelfHealingSupervisor")
FAMILIES = {"base-python", "base-utils", "base-cpu-pydeps", "family-web"}
SUPERVISORS = {"mainpc/SelfHealingSupervisor", "pc2/SelfHealingSupervisor"}
INSTANCES = {"mainpc/ServiceRegistry", "pc2/CentralErrorBus"} | SUPERVISORS


def checkout(folder: Path) -> Path:
    """This repository's parts that decide images, for a test to change."""
    made = folder / "checkout"
    ignore = shutil.ignore_patterns("__pycache__", ".*")
    for part in ("fleet", "servicekit"):
        shutil.copytree(ROOT / part, made / part, ignore=ignore)
    return made


def planned(root: Path, roots: dict[str, Layout] | None = None) -> dict[str, Image]:
    """Images of three services, and of all that they stand on."""
    fleet = load_fleet(root / "fleet")
    instances = [Instance(name, machine) for name in SERVICES for machine in fleet.services[name].machines]
    return plan_images(fleet, [], instances, root, roots or ROOTS)


def changed(before: dict[str, Image], after: dict[str, Image]) -> set[str]:
    """Names of images whose input digests differ."""
    assert before.keys() == after.keys()
    return {name for name in before if before[name].input_digest != after[name].input_digest}
