"""What images there are to build: one per family and one per instance. Pure: it reads files and decides nothing."""

from __future__ import annotations

import json
import re
from collections import ChainMap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from dockwright.build import baked, inputs, parts, tools
from dockwright.build.bases import Base, root_of
from dockwright.build.root import EPOCH
from dockwright.lock.deb_tasks import BUILD
from dockwright.spec.model import Fleet, Instance
from dockwright.spec.names import slug

LABEL_INPUT = "io.dockwright.input"
LABEL_PARTS = "io.dockwright.parts"
LABEL_ROLE = "io.dockwright.role"
LABEL_UNLOCKED = "io.dockwright.not-as-locked"
FAMILIES = Path("fleet/families")
SERVICES = Path("fleet/services")
SCRIPTS = Path("fleet/build")
KIT = Path("servicekit/src")
# Among the scripts: the Dockerfile that puts its bill of materials on top of what a family's own makes.
FAMILY_END = "family.Dockerfile"
SERVICE_RECIPE = ("Dockerfile", "Dockerfile.dockerignore")
# What the tool itself puts into images beside their inputs: a test knows when it has to be another number.
RECIPE = "2"


@dataclass(frozen=True)
class Image:
    """One image: what bake needs to build it, and everything that decides it, part by part."""

    name: str
    parent: str | None  # a family; None for what stands on a root
    root: str | None
    ground: str  # the root at the bottom of its lineage
    context: Path
    dockerfile: Path
    parts: parts.Parts
    input_digest: str
    repository: str
    tag_prefix: str = ""
    tag_suffix: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    instance: Instance | None = None
    debs: tuple[str, ...] = ()  # the locks of what it adds to its parent, and to its builder stage
    unlocked: tuple[str, ...] = ()  # the locks that could not be kept to on this host

    @property
    def target(self) -> str:
        """The name of this image's target in a bake definition."""
        return self.name.replace("/", "_")

    @property
    def scripts(self) -> tuple[str, ...]:
        """The build scripts that its Dockerfile uses: no other one is there when it is built."""
        return tuple(self.parts["script"])

    @property
    def tools(self) -> tuple[str, ...]:
        """The host's tools that its Dockerfile uses, as named contexts; no other one is there either."""
        return tuple(name for name in tools.CONTEXTS if tools.versions(name).keys() <= self.parts["tool"].keys())


def plan_images(
    fleet: Fleet, families: Iterable[str], instances: Iterable[Instance], root: Path, known: Mapping[str, Base]
) -> dict[str, Image]:
    """Every image that some families and instances need, parents first. `known`: what they stand on, by its lock."""
    wanted = list(instances)
    named = families_of(fleet, families, wanted)
    checkout = _Checkout(root)
    made: dict[str, Image] = {}
    for name in dict.fromkeys(above for family in named for above in fleet.lineage(family)):
        made[name] = _family(fleet, name, made, checkout, known)
    return made | {each.name: _instance(fleet, each, made, checkout) for each in wanted}


def families_of(fleet: Fleet, families: Iterable[str], instances: Iterable[Instance]) -> list[str]:
    """Families, and those of instances."""
    return [*families, *(fleet.services[instance.service].family for instance in instances)]


class _Checkout:
    """The files of a checkout, each read once for a plan."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.scripts = inputs.tree(root / SCRIPTS)
        self.texts = {name: inputs.read(root / SCRIPTS / name)[0].decode(errors="replace") for name in self.scripts}
        self.kit = cache(lambda: inputs.tree(root / KIT))
        self.recipe = cache(lambda: inputs.tree(root / SERVICES, SERVICE_RECIPE))
        self.files = cache(inputs.tree)
        self.pinned = cache(inputs.pinned)
        self.steps = cache(self._steps)

    def context(self, folder: Path) -> dict[str, dict[str, str]]:
        """The parts that a context's files are."""
        made: dict[str, dict[str, str]] = {"lock": {}, "file": {}, "pin": self.pinned(folder)}
        for name, digest in self.files(folder).items():
            made["lock" if name in inputs.LOCKS else "file"][name] = digest
        return made

    def _steps(self, dockerfile: Path, *scripts: str) -> dict[str, dict[str, str]]:
        """The parts that a Dockerfile and some scripts name: scripts, with those that these name in turn, and tools."""
        text = "\n".join([inputs.read(dockerfile)[0].decode(errors="replace"), *(self.texts[each] for each in scripts)])
        used = {name: self.scripts[name] for name in scripts}
        waiting = [text]
        while waiting:
            here = waiting.pop()
            for name in self.scripts:
                # A script in a folder is a part of the program that the folder is.
                if name not in used and _names(here, name.split("/")[0]):
                    used[name] = self.scripts[name]
                    waiting.append(self.texts[name])
        versions = [tools.versions(context) for context in tools.CONTEXTS if _names(text, context)]
        own = {"recipe": RECIPE, "epoch": str(EPOCH)}
        return {"script": dict(sorted(used.items())), "tool": dict(ChainMap(own, *versions))}


def _names(text: str, name: str) -> bool:
    """Whether a text names a script or a tool; what only looks alike costs a rebuild and breaks nothing."""
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-]|\.\w)", text) is not None


def _family(
    fleet: Fleet, name: str, made: Mapping[str, Image], checkout: _Checkout, known: Mapping[str, Base]
) -> Image:
    family = fleet.families[name]
    folder = checkout.root / FAMILIES / name
    parent = made[family.parent] if family.parent in fleet.families else None
    ground = root_of(fleet, name)
    debs = tuple(lock for lock in (name, f"{name}{BUILD}") if lock in known)
    below = (f"{ground}{BUILD}",) if parent else (ground, f"{ground}{BUILD}")
    arguments = {"PYTHON": fleet.python_of(name)}
    files = checkout.context(folder)
    above = parent.unlocked if parent else ()
    unlocked = tuple(dict.fromkeys((*above, *(lock for lock in (*below, *debs) if not known[lock].as_locked))))
    # The same packages, once recorded in a lock, make another image: this one says that they are not.
    said = {"not as locked": " ".join(unlocked)} if unlocked else {}
    decides: dict[str, Mapping[str, str]] = {
        **files,
        **checkout.steps(folder / "Dockerfile", FAMILY_END),
        "parent": {parent.name: parent.input_digest} if parent else {},
        "root": {lock: known[lock].identity for lock in below},
        "packages": {lock: known[lock].identity for lock in debs},
        "pin": {**_pins(known, (*below, *debs)), **files["pin"]},
        "fact": {"family": name, **said},
        "argument": arguments,
    }
    return Image(
        name,
        parent.name if parent else None,
        None if parent else family.parent,
        ground,
        folder,
        folder / "Dockerfile",
        decides,
        parts.digest(decides),
        f"{fleet.registry}/{name}",
        tag_prefix=f"{family.tag}-" if family.tag else "",
        arguments=arguments,
        debs=debs,
        unlocked=unlocked,
    )


def _pins(known: Mapping[str, Base], locks: Iterable[str]) -> dict[str, str]:
    """The Debian packages of some locks; what builder stages start from is told as a whole."""
    return {name: version for lock in locks if not lock.endswith(BUILD) for name, version in known[lock].pins.items()}


def _instance(fleet: Fleet, instance: Instance, families: Mapping[str, Image], checkout: _Checkout) -> Image:
    row = fleet.services[instance.service]
    parent = families[fleet.lineage(row.family)[-1]]
    folder, dockerfile = checkout.root / SERVICES / instance.service, checkout.root / SERVICES / "Dockerfile"
    arguments = {
        "SERVICE": instance.service,
        "FAMILY": parent.name,
        "MACHINE": instance.machine,
        "HEALTH_PORT": str(row.health_port),
        "PYTHON": fleet.python_of(parent.name),
    }
    profile = fleet.machines[instance.machine].profile
    decides: dict[str, Mapping[str, str]] = {
        **checkout.context(folder),
        **checkout.steps(dockerfile),
        "kit": checkout.kit(),
        "Dockerfile": checkout.recipe(),
        "parent": {parent.name: parent.input_digest},
        "profile": {key: json.dumps(value) for key, value in profile.items()},
        "fact": {key: str(value) for key, value in baked.facts(fleet, instance).items()},
        "argument": arguments,
    }
    return Image(
        instance.name,
        parent.name,
        None,
        parent.ground,
        folder,
        dockerfile,
        decides,
        parts.digest(decides),
        f"{fleet.registry}/{slug(instance.service)}",
        tag_suffix=f"-{instance.machine}",
        arguments=arguments,
        instance=instance,
        unlocked=parent.unlocked,
    )
