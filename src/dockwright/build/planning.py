"""What there is to build, and what it stands on: planned without making anything, then made where it is lacking."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dockwright.build import bases, plan, pull
from dockwright.build.bases import Made, Maker
from dockwright.build.images import Image, families_of, plan_images
from dockwright.build.origin import read_origin
from dockwright.build.packages import Packages
from dockwright.build.plan import Plan
from dockwright.engine.docker import Docker
from dockwright.engine.registry.place import Place
from dockwright.errors import DockwrightError
from dockwright.lock.deb_tasks import BUILD
from dockwright.spec.model import Fleet, Instance

Say = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """How images are wanted. `locked`: packages that cannot be had as their lock says are a failure.

    `everything`: make what images stand on also for those that the engine has; `files`: bring the packages of roots
    into the pool although the roots are there.
    """

    locked: bool = False
    install: bool = True
    registry: Place | None = None
    everything: bool = False
    files: bool = False


@dataclass(frozen=True)
class Planned:
    """What is to be done, what a registry had, what was made for the rest, and why some cannot be built here, by name.

    `unlocked`: the packages that all images stand on, where they are not as locked.
    """

    plan: Plan
    pulled: tuple[str, ...]
    made: Made
    unmade: Mapping[str, DockwrightError]
    unlocked: tuple[Packages, ...]

    @property
    def images(self) -> dict[str, Image]:
        return self.plan.images


def prepare(
    docker: Docker,
    fleet: Fleet,
    families: Iterable[str],
    instances: Iterable[Instance],
    root: Path,
    asked: Asked,
    say: Say,
) -> Planned:
    """Plan images, and make what those stand on that neither the engine nor the registry has.

    Raises DockwrightError. A root that cannot be made is told in `unmade`, by family and instance; all others go on.
    """
    wanted, chosen = list(families), list(instances)
    found = bases.expected_packages(fleet, root, families_of(fleet, wanted, chosen), locked=asked.locked)
    images = plan_images(fleet, wanted, chosen, root, bases.identities(fleet, found))
    origin = read_origin(root)
    decided = plan.on(docker, images, origin)
    pulled = pull.pull(docker, asked.registry, decided.missing, say) if asked.registry and decided.missing else ()
    decided = plan.on(docker, images, origin) if pulled else decided
    unmade: dict[str, DockwrightError] = {}
    making = Maker(fleet, root, locked=asked.locked, install=asked.install, files=asked.files, say=say)
    with making as maker:
        # Where packages are not as locked, images are others than those expected, and more may be lacking.
        while lacking := _bases_of(images if asked.everything else decided.missing, maker.made):
            maker.ensure(lacking)
            for name, ground in _grounds(fleet, wanted, chosen).items():
                if ground in maker.made.failures:
                    unmade[name] = maker.made.failures[ground]
            wanted = [name for name in wanted if name not in unmade]
            chosen = [each for each in chosen if each.name not in unmade]
            found |= maker.made.packages
            before, images = images, plan_images(fleet, wanted, chosen, root, bases.identities(fleet, found))
            decided = decided if images == before else plan.on(docker, images, origin)
    used = {name for image in images.values() for name in image.unlocked}
    return Planned(decided, pulled, maker.made, unmade, tuple(of for name, of in found.items() if name in used))


def _bases_of(missing: Mapping[str, Image], made: Made) -> dict[str, list[str]]:
    """Root -> what is still to be made of it, and on it, for images that are not there."""
    found: dict[str, list[str]] = {}
    for image in missing.values():
        names = [image.root or "", f"{image.ground}{BUILD}"]
        names += [] if image.instance else [name for name in image.debs if name]
        for name in names:
            if name and name not in made.packages and name not in found.setdefault(image.ground, []):
                found[image.ground].append(name)
    return {ground: names for ground, names in found.items() if names}


def _grounds(fleet: Fleet, families: Iterable[str], instances: Iterable[Instance]) -> dict[str, str]:
    """Family or instance -> the root that it stands on."""
    found = {name: bases.root_of(fleet, name) for name in families}
    return found | {each.name: bases.root_of(fleet, fleet.services[each.service].family) for each in instances}
