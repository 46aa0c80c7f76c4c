"""What a bake run is given: a definition, and below one folder the contexts and secrets that it names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dockwright.build import bake, baked, contexts, known, pool, secrets, tags, tools
from dockwright.build.images import KIT, SCRIPTS, Image
from dockwright.build.origin import Origin
from dockwright.build.packages import Packages
from dockwright.engine.certificates import certificates
from dockwright.lock.deb_tasks import BUILD
from dockwright.spec.model import Fleet, Instance


@dataclass(frozen=True)
class Sources:
    """What definitions are made of. `roots`: root name -> its named context; contexts are copied below `work`."""

    fleet: Fleet
    root: Path
    work: Path
    origin: Origin
    roots: Mapping[str, str]
    packages: Mapping[str, Packages]


def definition(sources: Sources, images: Mapping[str, Image], present: Mapping[str, str]) -> dict[str, object]:
    """A bake definition. `present`: image name -> reference of parents that need no build."""
    shared = bake.Shared(host_secrets(sources.work), secrets.proxies(), sources.origin)
    staged = {name: _staged(sources, image) for name, image in images.items()}
    return bake.definition(images, present, staged, shared)


def _staged(sources: Sources, image: Image) -> bake.Staged:
    """What an image is built from: copies of exactly those files that are its inputs."""
    root, work = sources.root, sources.work
    files = {**image.parts["file"], **image.parts["lock"]}
    context = contexts.copy(image.context, files, work)
    named = {name: str(tools.folder(name)) for name in image.tools}
    named["scripts"] = str(contexts.copy(root / SCRIPTS, image.parts["script"], work))
    named["known"] = str(contexts.texts({known.FILE: known_files(sources, image)}, work))
    named["build"] = sources.roots[f"{image.ground}{BUILD}"]
    if image.root:
        named["root"] = sources.roots[image.root]
    if image.instance is None:
        return bake.Staged(context, context / "Dockerfile", named | debian_packages(sources, image))
    recipe = contexts.copy(image.dockerfile.parent, image.parts["Dockerfile"], work)
    named["kit"] = str(contexts.copy(root / KIT, image.parts["kit"], work))
    texts = instance_files(sources.fleet, image, image.instance, sources.origin)
    named["instance"] = str(contexts.texts(texts, work))
    return bake.Staged(context, recipe / "Dockerfile", named)


def known_files(sources: Sources, image: Image) -> str:
    """What is known of the files that an image adds to its parent, for its bill of materials."""
    locks = (
        [] if image.instance else [*filter(None, [image.root]), *(lock for lock in image.debs if lock == image.name)]
    )
    return known.known(image.context, [sources.packages[lock] for lock in locks])


def debian_packages(sources: Sources, image: Image) -> dict[str, str]:
    """Named contexts: what a family adds to its parent (`debs`) and to its builder stage (`build-debs`)."""
    found = {}
    for lock in image.debs:
        of = sources.packages[lock]
        context = "build-debs" if lock.endswith(BUILD) else "debs"
        folder = sources.work / f"{context}-{of.identity[7:]}"
        pool.copy(of.debs.values(), folder)
        found[context] = str(folder)
    return found


def instance_files(fleet: Fleet, image: Image, instance: Instance, origin: Origin) -> dict[str, str]:
    """The generated files of an instance's last layer: the machine profile and the facts of the build."""
    said = {"git_sha": origin.git_sha, "tag": tags.tag(image, origin), "input_digest": image.input_digest}
    facts = baked.build_facts(fleet, instance, **said)
    return {
        "etc/machine-profile.json": baked.profile(fleet, instance.machine),
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
