"""Build the images of families and instances that the engine does not have yet, in one bake run.

An image is known by its input digest: a sha256 over its files, its locks, its arguments and its parent. Nothing is
built whose digest the engine has; then not even bake is started. Where a registry is named (--registry, or
$DOCKWRIGHT_REGISTRY), what it has with an equal digest is pulled in place of a build.

  dockwright build                       every implemented instance's image, and the families below them
  dockwright build family-web            a family
  dockwright build ServiceRegistry       a service, for each of its machines
  dockwright build mainpc/SystemDigitalTwin
  dockwright build --locked              exactly what the locks pin, or nothing

Debian packages are those that the locks pin, each held against its sha256. Where the archive has moved on and neither
this host nor a snapshot has a pinned version any more, the archive as it is decides, which its distribution has signed:
the differences are told, and the images carry the label io.dockwright.not-as-locked. With --locked that is a failure.

exit codes: 0 done, 1 a build failed or --locked could not be kept to, 2 wrong usage, 3 no engine, or an archive that
does not answer: what does not stand on it was built
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from dockwright.build import make
from dockwright.build.images import FAMILIES
from dockwright.build.planning import Asked, Planned, prepare
from dockwright.build.store import unpacked_sizes
from dockwright.cli import stood_on, table
from dockwright.cli.context import repository
from dockwright.cli.progress import Progress, megabytes
from dockwright.engine import find
from dockwright.engine.docker import Docker
from dockwright.engine.registry import place
from dockwright.errors import UsageError
from dockwright.spec.load import load_fleet
from dockwright.spec.model import Fleet, Instance
from dockwright.spec.names import did_you_mean


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="families, services or machine/service")
    parser.add_argument("--locked", action="store_true", help="fail where a Debian package cannot be had as locked")
    parser.add_argument("--no-install", action="store_true", help="install nothing on this host; say what is missing")
    parser.add_argument("--registry", metavar="HOST/PATH", help="take from there what it has; $DOCKWRIGHT_REGISTRY")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(arguments: argparse.Namespace) -> int:
    root = repository()
    fleet = load_fleet(root / "fleet")
    families, instances = chosen(fleet, arguments.names)
    say = Progress(quiet=arguments.json)
    asked = Asked(arguments.locked, not arguments.no_install, place.named(arguments.registry))
    docker, planned, built = ensured(fleet, families, instances, asked, say)
    sizes = unpacked_sizes(docker, (built.of(name).reference for name in built.images))
    told = [_told(name, built, sizes) for name in built.images]
    if arguments.json:
        print(json.dumps({"seconds": round(built.seconds, 1), "images": told, **stood_on.as_json(planned)}, indent=2))
    else:
        _show(built, told)
    return stood_on.tell(planned)


def _show(built: make.Built, told: list[dict[str, object]]) -> None:
    rows = [
        (
            str(row["name"]),
            str(row["how"]),
            megabytes(int(str(row["unpacked_bytes"]))),
            megabytes(int(str(row["own_bytes"]))),
            str(row["reference"]),
        )
        for row in told
    ]
    table.show(("IMAGE", "", "UNPACKED", "OWN LAYERS", "REFERENCE"), rows)
    done = [f"{verb} {len(names)}" for verb, names in (("built", built.new), ("pulled", built.pulled)) if names]
    told_done = f"{' and '.join(done)} of {len(built.images)} images" if done else "nothing to build"
    print(f"\n{told_done} in {built.seconds:.1f} s")


def ensured(
    fleet: Fleet, families: list[str], instances: list[Instance], asked: Asked, say: Progress
) -> tuple[Docker, Planned, make.Built]:
    """An engine that has these images and all that they stand on, but for those that cannot be built here."""
    root = repository()
    recipes_exist(fleet, families, instances, root)
    docker = find.ensure(allowed=asked.install, say=say)
    planned = prepare(docker, fleet, families, instances, root, asked, say)
    return docker, planned, make.build(docker, fleet, planned, root, say, asked.registry)


def recipes_exist(fleet: Fleet, families: list[str], instances: list[Instance], root: Path) -> None:
    """Raise UsageError for families that nobody has written a Dockerfile for yet."""
    names = [*families, *(fleet.services[instance.service].family for instance in instances)]
    needed = dict.fromkeys(above for name in names for above in fleet.lineage(name))
    missing = [name for name in needed if not (root / FAMILIES / name / "Dockerfile").is_file()]
    if missing:
        raise UsageError(f"{', '.join(missing)}: not implemented yet, there is no Dockerfile")


def makeable(fleet: Fleet, root: Path) -> list[str]:
    """The families that have a Dockerfile and stand on a root that builds can make, parents first."""
    found = []
    for name in fleet.by_generation():
        top = fleet.roots.get(str(fleet.families[fleet.lineage(name)[0]].parent))
        if top and not top.image and (root / FAMILIES / name / "Dockerfile").is_file():
            found.append(name)
    return found


def _told(name: str, built: make.Built, sizes: dict[str, int]) -> dict[str, object]:
    """What `build --json` says of an image; its own bytes are those that its parent does not have."""
    image, found = built.images[name], built.of(name)
    below = sizes[built.of(image.parent).reference] if image.parent else 0
    return {
        "name": name,
        "built": name in built.new,
        "how": "built" if name in built.new else "pulled" if name in built.pulled else "unchanged",
        "reference": found.reference,
        "digest": found.digest,
        "input_digest": image.input_digest,
        "not_as_locked": list(image.unlocked),
        "unpacked_bytes": sizes[found.reference],
        "own_bytes": sizes[found.reference] - below,
    }


def chosen(fleet: Fleet, names: list[str]) -> tuple[list[str], list[Instance]]:
    """The families and instances that some names mean; every implemented instance when there is no name."""
    built = [instance for instance in fleet.instances() if instance.service in fleet.implementations]
    if not names:
        return [], built
    families = [fleet.lineage(name)[-1] for name in names if name in fleet.families]
    instances = [instance for instance in built if instance.service in names or instance.name in names]
    known = {*fleet.families, *(each.service for each in built), *(each.name for each in built)}
    for name in names:
        if name in fleet.services and name not in known:
            raise UsageError(f"{name} is not implemented yet", "./dockwright check --all lists what is")
        if name not in known:
            raise UsageError(f"nothing to build is called {name}{did_you_mean(name, known)}")
    return families, instances
