"""Builds what is missing: roots, then every family and instance whose input digest the engine does not have."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dockwright.build import bake, inputs, loading, pull, secrets, tools, wheelhouse
from dockwright.build import root as roots
from dockwright.build.images import KIT, SCRIPTS, Image, family_images, instance_images
from dockwright.build.oci import Layout
from dockwright.build.origin import Origin, read_origin
from dockwright.build.steps import Steps
from dockwright.build.store import Stored, stored, usable
from dockwright.engine.certificates import certificates
from dockwright.engine.docker import Docker
from dockwright.engine.registry.place import Place
from dockwright.errors import CommandFailed
from dockwright.spec.model import Fleet, Instance

Say = Callable[[str], None]


@dataclass(frozen=True)
class Built:
    """The outcome of a build: every image asked for, which of them were built now, and which came from a registry."""

    images: Mapping[str, Image]
    stored: Mapping[str, Stored]
    new: tuple[str, ...]
    pulled: tuple[str, ...]
    seconds: float

    def of(self, name: str) -> Stored:
        return self.stored[self.images[name].input_digest]


def profile_text(fleet: Fleet, machine: str) -> str:
    """The machine-profile.json of a machine: exactly the keys of its profile."""
    return json.dumps(fleet.machines[machine].profile, indent=2) + "\n"


def roots_of(fleet: Fleet, instances: Iterable[Instance], families: Iterable[str] = ()) -> frozenset[str]:
    """The roots that some instances and families stand on."""
    names = [*families, *(fleet.services[instance.service].family for instance in instances)]
    tops = {fleet.lineage(name)[0] for name in names}
    return frozenset(str(fleet.families[name].parent) for name in tops)


def ensure_roots(fleet: Fleet, *, only: Collection[str], allowed: bool, say: Say) -> dict[str, Layout]:
    """The roots named in `only`, and under the name "build" the one that builders start from, made where missing."""
    recipes = _recipes(fleet, only)
    if any(roots.made(recipe) is None for recipe in recipes.values()):
        roots.ensure_maker(allowed=allowed, say=say)
    return {name: roots.make(recipe, say) for name, recipe in recipes.items()}


def present_roots(fleet: Fleet) -> dict[str, Layout]:
    """The roots that this host has, named as in `ensure_roots`; makes none."""
    found = {name: roots.made(recipe) for name, recipe in _recipes(fleet, fleet.roots).items()}
    return {name: layout for name, layout in found.items() if layout}


def _recipes(fleet: Fleet, only: Collection[str]) -> dict[str, roots.Recipe]:
    recipes = {
        name: roots.Recipe(name, root.suite, root.variant, tuple(root.packages))
        for name, root in fleet.roots.items()
        if name in only and root.distribution == "debian"
    }
    suites = {recipe.suite for recipe in recipes.values()}
    recipes["build"] = roots.build_recipe(min(suites))
    return recipes


def plan_images(
    fleet: Fleet, families: Iterable[str], instances: Iterable[Instance], root: Path, layouts: Mapping[str, Layout]
) -> dict[str, Image]:
    """Every image that a set of families and instances needs, parents first, each with its input digest."""
    wanted = list(instances)
    names = [*families, *(fleet.services[instance.service].family for instance in wanted)]
    known = {name: layout.digest for name, layout in layouts.items()}
    made = family_images(fleet, names, root, known)
    profiles = {machine: profile_text(fleet, machine) for machine in fleet.machines}
    return {**made, **instance_images(fleet, wanted, made, root, profiles)}


def build(
    docker: Docker,
    fleet: Fleet,
    images: Mapping[str, Image],
    layouts: Mapping[str, Layout],
    root: Path,
    say: Say,
    registry: Place | None = None,
) -> Built:
    """Build what neither the engine nor the registry has in one bake run; skips bake where there is nothing to build.

    Raises CommandFailed.
    """
    began = time.monotonic()
    origin = read_origin(root)
    have = usable(stored(docker), origin)
    missing = {name: image for name, image in images.items() if image.input_digest not in have}
    pulled = pull.pull(docker, registry, missing, say) if registry and missing else ()
    if pulled:
        have = usable(stored(docker), origin)
        missing = {name: image for name, image in missing.items() if image.input_digest not in have}
    if missing:
        say(f"building {len(missing)} of {len(images)} images: {', '.join(missing)}")
        present = {name: have[image.input_digest].reference for name, image in images.items() if name not in missing}
        with tempfile.TemporaryDirectory(prefix="dockwright-build-") as work:
            bases = {name: loading.reference(docker, name, layout) for name, layout in layouts.items()}
            wanted = definition(fleet, missing, present, bases, root, Path(work), origin)
            if registry:
                fetched = wheelhouse.fetch(registry, images, missing, Path(work) / "wheels", say)
                wanted = wheelhouse.in_place_of_downloads(wanted, fetched)
            run_bake(docker, wanted, missing, say)
        have = usable(stored(docker), origin)
    return Built(images, have, tuple(missing), pulled, time.monotonic() - began)


def definition(
    fleet: Fleet,
    images: Mapping[str, Image],
    present: Mapping[str, str],
    bases: Mapping[str, str],
    root: Path,
    work: Path,
    origin: Origin,
) -> dict[str, object]:
    """A bake definition, its contexts staged below `work`. `bases`: root name -> its named context."""
    contexts = dict(bases)
    contexts["scripts"] = str(bake.stage(root / SCRIPTS, work, inputs.tree_digest(root / SCRIPTS)))
    contexts["uv"] = str(tools.uv_folder())
    contexts["cyclonedx"] = str(tools.cyclonedx_folder())
    kit = bake.stage(root / KIT, work, inputs.tree_digest(root / KIT))
    shared = bake.Shared(contexts, host_secrets(work), secrets.proxies(), origin)
    staged: dict[str, dict[str, str]] = {}
    for name, image in images.items():
        # The input digest names the folder: BuildKit tells contexts apart by their folder's name.
        staged[name] = {".": str(bake.stage(image.context, work, f"context-{image.input_digest[7:]}"))}
        if image.instance:
            texts = instance_files(fleet, image, origin)
            staged[name]["instance"] = str(bake.stage_texts(texts, work, f"instance-{image.input_digest[7:]}"))
            staged[name]["kit"] = str(kit)
    return bake.definition(images, present, staged, shared)


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


def run_bake(
    docker: Docker, wanted: Mapping[str, object], images: Mapping[str, Image], say: Say, *options: str
) -> None:
    """Run bake, telling what is done as it is; a failure carries what the failing step wrote."""
    steps = Steps({image.target: name for name, image in images.items()}, say)
    words = ("buildx", "bake", "--progress=plain", "--provenance=false", *options, "-f", "-", "default")
    try:
        docker.stream(*words, on_line=steps.follow, stdin=json.dumps(wanted))
    except CommandFailed as error:
        output = "\n".join(steps.broken) or error.output
        raise CommandFailed("the build failed", "mend the step above and run again", output) from error
