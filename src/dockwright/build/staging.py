"""What a bake run is given: a definition, and below one folder the contexts and secrets that it names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dockwright.build import bake, inputs, pool, secrets, tools
from dockwright.build.images import KIT, SCRIPTS, Image
from dockwright.build.origin import Origin
from dockwright.build.packages import Packages
from dockwright.build.planning import profile_text
from dockwright.engine.certificates import certificates
from dockwright.lock.deb_tasks import BUILD
from dockwright.spec.model import Fleet


@dataclass(frozen=True)
class Parts:
    """What definitions are made of. `roots`: root name -> its named context; contexts are staged below `work`."""

    fleet: Fleet
    root: Path
    work: Path
    origin: Origin
    roots: Mapping[str, str]
    packages: Mapping[str, Packages]


def definition(parts: Parts, images: Mapping[str, Image], present: Mapping[str, str]) -> dict[str, object]:
    """A bake definition. `present`: image name -> reference of parents that need no build."""
    root, work = parts.root, parts.work
    contexts = {
        "scripts": str(bake.stage(root / SCRIPTS, work, inputs.tree_digest(root / SCRIPTS))),
        "uv": str(tools.uv_folder()),
        "cyclonedx": str(tools.cyclonedx_folder()),
    }
    kit = bake.stage(root / KIT, work, inputs.tree_digest(root / KIT))
    shared = bake.Shared(contexts, host_secrets(work), secrets.proxies(), parts.origin)
    staged: dict[str, dict[str, str]] = {}
    for name, image in images.items():
        # The input digest names the folder: BuildKit tells contexts apart by their folder's name.
        staged[name] = {".": str(bake.stage(image.context, work, f"context-{image.input_digest[7:]}"))}
        staged[name]["build"] = parts.roots[f"{image.ground}{BUILD}"]
        if image.root:
            staged[name]["root"] = parts.roots[image.root]
        if image.instance:
            texts = instance_files(parts.fleet, image, parts.origin)
            staged[name]["instance"] = str(bake.stage_texts(texts, work, f"instance-{image.input_digest[7:]}"))
            staged[name]["kit"] = str(kit)
        else:
            staged[name] |= debian_packages(parts, name)
    return bake.definition(images, present, staged, shared)


def debian_packages(parts: Parts, family: str) -> dict[str, str]:
    """Named contexts: what a family adds to its parent (`debs`) and to its builder stage (`build-debs`)."""
    found = {}
    for context, lock in (("debs", family), ("build-debs", f"{family}{BUILD}")):
        if lock in parts.packages:
            of = parts.packages[lock]
            folder = parts.work / f"{context}-{of.identity[7:]}"
            pool.copy(of.debs.values(), folder)
            found[context] = str(folder)
    return found


def instance_files(fleet: Fleet, image: Image, origin: Origin) -> dict[str, str]:
    """The generated files of an instance's last layer: the machine profile and the facts of the build."""
    instance = image.instance
    assert instance is not None  # noqa: S101 - called for instance images only
    row = fleet.services[instance.service]
    facts = {
        "service": instance.service,
        "machine": instance.machine,
        "family": fleet.lineage(row.family)[-1],
        "git_sha": origin.git_sha,
        "tag": f"{origin.tag}{image.tag_suffix}",
        "input_digest": image.input_digest,
        "port": row.port,
        "health_port": row.health_port,
    }
    return {
        "etc/machine-profile.json": profile_text(fleet, instance.machine),
        "etc/dockwright/build.json": json.dumps(facts, indent=2) + "\n",
    }


def host_secrets(work: Path) -> dict[str, Path]:
    """Secret id -> file: the host's certificates and package index; what has to be written goes to `work`."""
    found: dict[str, Path] = {}
    bundle = certificates()
    if bundle:
        found["ca"] = bundle
    configuration = work / "pip.conf"
    configuration.touch(mode=0o600)
    configuration.write_text(secrets.pip_configuration())
    found["pip-conf"] = configuration
    return found
