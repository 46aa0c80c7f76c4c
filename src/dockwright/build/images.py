"""What images there are to build: one per family and one per instance. Pure: it reads files and decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dockwright.build import inputs, tools
from dockwright.build.bases import Base, root_of
from dockwright.lock.deb_tasks import BUILD
from dockwright.spec.model import Fleet, Instance
from dockwright.spec.names import slug

LABEL_INPUT = "io.dockwright.input"
LABEL_ROLE = "io.dockwright.role"
LABEL_UNLOCKED = "io.dockwright.not-as-locked"
FAMILIES = Path("fleet/families")
SERVICES = Path("fleet/services")
SCRIPTS = Path("fleet/build")
KIT = Path("servicekit/src")


@dataclass(frozen=True)
class Image:
    """One image: what bake needs to build it, and the digest of everything that decides it."""

    name: str
    parent: str | None  # a family; None for what stands on a root
    root: str | None
    ground: str  # the root at the bottom of its lineage
    context: Path
    dockerfile: Path
    input_digest: str
    repository: str
    tag_prefix: str = ""
    tag_suffix: str = ""
    arguments: dict[str, str] = field(default_factory=dict)
    instance: Instance | None = None
    debs: tuple[str, ...] = ()  # the locks of what it adds to its parent, and to its builder stage
    unlocked: tuple[str, ...] = ()  # the locks that could not be kept to on this host

    @property
    def target(self) -> str:
        """The name of this image's target in a bake definition."""
        return self.name.replace("/", "_")


def family_images(fleet: Fleet, names: Iterable[str], root: Path, known: Mapping[str, Base]) -> dict[str, Image]:
    """Images of families and all their ancestors, parents first. `known`: what they stand on, by name of its lock."""
    made: dict[str, Image] = {}
    for name in _with_ancestors(fleet, names):
        family = fleet.families[name]
        folder = root / FAMILIES / name
        parent = family.parent if family.parent in fleet.families else None
        ground = root_of(fleet, name)
        debs = tuple(lock for lock in (name, f"{name}{BUILD}") if lock in known)
        arguments = {"PYTHON": fleet.python_of(name)}
        own = (*(() if parent else (ground,)), f"{ground}{BUILD}", *debs)
        above = made[parent].unlocked if parent else ()
        unlocked = tuple(dict.fromkeys((*above, *(lock for lock in own if not known[lock].as_locked))))
        parts = {
            "files": inputs.tree_digest(folder),
            "scripts": inputs.tree_digest(root / SCRIPTS),
            "parent": made[parent].input_digest if parent else known[ground].identity,
            "build root": known[f"{ground}{BUILD}"].identity,
            "tools": tools.versions(),
            **{f"packages {lock}": known[lock].identity for lock in debs},
            # The same packages, once recorded in a lock, make another image: this one says that they are not.
            **{f"not as locked {lock}": "" for lock in unlocked},
            **{f"argument {key}": value for key, value in arguments.items()},
        }
        made[name] = Image(
            name,
            parent,
            None if parent else family.parent,
            ground,
            folder,
            folder / "Dockerfile",
            inputs.combine(parts),
            f"{fleet.registry}/{name}",
            tag_prefix=f"{family.tag}-" if family.tag else "",
            arguments=arguments,
            debs=debs,
            unlocked=unlocked,
        )
    return made


def _with_ancestors(fleet: Fleet, names: Iterable[str]) -> list[str]:
    ordered: dict[str, None] = {}
    for name in names:
        ordered.update(dict.fromkeys(fleet.lineage(name)))
    return list(ordered)


def instance_images(
    fleet: Fleet, instances: Iterable[Instance], families: dict[str, Image], root: Path, profiles: dict[str, str]
) -> dict[str, Image]:
    """Images of instances, by instance name. `profiles`: machine -> the text of its machine-profile.json."""
    kit = inputs.tree_digest(root / KIT)
    scripts = inputs.tree_digest(root / SCRIPTS)
    recipe = inputs.tree_digest(root / SERVICES, ["Dockerfile", "Dockerfile.dockerignore"])
    made: dict[str, Image] = {}
    for instance in instances:
        row = fleet.services[instance.service]
        parent = families[fleet.lineage(row.family)[-1]]
        folder = root / SERVICES / instance.service
        arguments = {
            "SERVICE": instance.service,
            "FAMILY": parent.name,
            "MACHINE": instance.machine,
            "HEALTH_PORT": str(row.health_port),
            "PYTHON": fleet.python_of(parent.name),
        }
        parts = {
            "files": inputs.tree_digest(folder),
            "kit": kit,
            "scripts": scripts,
            "tools": tools.versions(),
            "Dockerfile": recipe,
            "parent": parent.input_digest,
            "profile": profiles[instance.machine],
            "row": f"{row.family} {row.port} {row.health_port}",
            **{f"argument {key}": value for key, value in arguments.items()},
        }
        made[instance.name] = Image(
            instance.name,
            parent.name,
            None,
            parent.ground,
            folder,
            root / SERVICES / "Dockerfile",
            inputs.combine(parts),
            f"{fleet.registry}/{slug(instance.service)}",
            tag_suffix=f"-{instance.machine}",
            arguments=arguments,
            instance=instance,
            unlocked=parent.unlocked,
        )
    return made
