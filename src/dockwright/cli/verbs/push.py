"""Push built images into a registry: under the tag of their commit, and by input digest, so that others can pull them.

What is pushed is what the engine has of the names, and what they stand on; it builds nothing. The registry is that of
fleet.toml, or the one named by --registry or $DOCKWRIGHT_REGISTRY; credentials are those of `docker login`. Layers that
are there are not sent again, and a tag names an image only when all of it is there: a push that broke off is run again.
The bill of materials that an image carries is attached to it (an OCI referrer, application/vnd.cyclonedx+json).

After that, `dockwright build --registry` on another machine takes these images in place of building them.

With --wheels it is not images that are pushed but the wheels of their locks, compiled ones too, each held against its
lock. `build --registry` then installs from these, and asks no package index. Parents that are not built are built.

  dockwright push                                        everything that is built
  dockwright push family-web                             a family, and the families below it
  dockwright push ServiceRegistry --registry 127.0.0.1:5000/fleet
  dockwright push --wheels family-torch-cu121            the wheels of a family's or a service's lock
"""

from __future__ import annotations

import argparse
import json

from dockwright.build import collect, make, push
from dockwright.build.origin import read_origin
from dockwright.build.planning import Asked, prepare
from dockwright.build.present import Present, present
from dockwright.cli import chosen, stood_on, table
from dockwright.cli.context import repository
from dockwright.cli.progress import Progress, megabytes
from dockwright.cli.verbs.sizes import asked
from dockwright.engine import find
from dockwright.engine.docker import Docker
from dockwright.engine.registry import place
from dockwright.errors import UsageError
from dockwright.spec.load import load_fleet
from dockwright.spec.model import Fleet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="families, services or machine/service")
    parser.add_argument("--wheels", action="store_true", help="push the wheels of locks in place of images")
    parser.add_argument("--registry", metavar="HOST/PATH", help="where to; $DOCKWRIGHT_REGISTRY, or that of fleet.toml")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(arguments: argparse.Namespace) -> int:
    from dockwright.release import attached  # It brings HTTP along, which takes its time.

    root = repository()
    fleet = load_fleet(root / "fleet")
    names = asked(fleet, arguments.names)
    where = place.named(arguments.registry) or place.parse(fleet.registry)
    say = Progress(quiet=arguments.json)
    docker = find.running()
    if arguments.wheels:
        return push_wheels(docker, fleet, where, arguments, say)
    seen = present(docker, fleet, root)
    wanted = to_push(seen, names, every=not arguments.names)
    say(f"pushing {len(wanted)} images to {where}")
    pushed = push.push(docker, where, {name: seen.images[name] for name in wanted}, seen.built, read_origin(root), say)
    bills = attached.attach(docker, where, seen.images, seen.built, pushed, say)
    if arguments.json:
        told = [{**vars(one), "sbom_digest": bills.get(one.name)} for one in pushed]
        print(json.dumps({"registry": str(where), "images": told}, indent=2))
        return 0
    rows = [
        (one.name, "unchanged" if one.was_there else "pushed", megabytes(one.moved), one.digest, one.reference)
        for one in pushed
    ]
    table.show(("IMAGE", "", "MOVED", "DIGEST", "REFERENCE"), rows)
    print(
        f"\n{where} has {len(pushed)} images; {megabytes(sum(one.moved for one in pushed))} moved, "
        f"{len(bills)} bills of materials beside them"
    )
    return 0


def push_wheels(docker: Docker, fleet: Fleet, where: place.Place, arguments: argparse.Namespace, say: Progress) -> int:
    """Make or download the wheels of locks, and keep them in the registry."""
    root = repository()
    wanted = chosen.chosen(fleet, root, arguments.names)
    asked_for = [*wanted.families, *(instance.name for instance in wanted.instances)]
    needed = Asked(install=False, everything=True)
    with make.alone(say):
        planned = prepare(docker, fleet, wanted.families, wanted.instances, root, needed, say)
    names = [name for name in asked_for if name in planned.images] if arguments.names else [*planned.images]
    kept = collect.push(docker, fleet, where, planned, names, root, say)
    if arguments.json:
        told = {"registry": str(where), "wheels": [vars(one) for one in kept], **stood_on.as_json(planned)}
        print(json.dumps(told, indent=2))
        return stood_on.tell(planned)
    rows = [
        (
            one.name,
            "unchanged" if one.was_there else "pushed",
            str(one.wheels),
            megabytes(one.moved),
            one.digest,
            one.reference,
        )
        for one in kept
    ]
    table.show(("LOCK", "", "WHEELS", "MOVED", "DIGEST", "REFERENCE"), rows)
    print(f"\n{where} has the wheels of {len(kept)} locks; {megabytes(sum(one.moved for one in kept))} moved")
    return stood_on.tell(planned)


def to_push(seen: Present, names: list[str], *, every: bool) -> list[str]:
    """The images to push, parents first. Raises UsageError for one that is not built."""
    missing = [] if every else [name for name in names if name not in seen.built]
    if missing:
        raise UsageError(f"{missing[0]} is {seen.absent[missing[0]]}", f"./dockwright build {' '.join(missing)}")
    wanted: set[str] = set()
    for name in names:
        above: str | None = name if name in seen.built else None
        while above is not None:
            wanted.add(above)
            above = seen.images[above].parent
    if not wanted:
        raise UsageError("nothing is built", "./dockwright build")
    return [name for name in seen.images if name in wanted]
