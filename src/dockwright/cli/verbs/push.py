"""Push built images into a registry: under the tag of their commit, and by input digest, so that others can pull them.

What is pushed is what the engine has of the names, and what they stand on; it builds nothing. The registry is that of
fleet.toml, or the one named by --registry or $DOCKWRIGHT_REGISTRY; credentials are those of `docker login`. Layers that
are there are not sent again, and a tag names an image only when all of it is there: a push that broke off is run again.

After that, `dockwright build --registry` on another machine takes these images in place of building them.

  dockwright push                                        everything that is built
  dockwright push family-web                             a family, and the families below it
  dockwright push ServiceRegistry --registry 127.0.0.1:5000/fleet
"""

from __future__ import annotations

import argparse
import json

from dockwright.build import push
from dockwright.build.present import Present, present
from dockwright.cli import table
from dockwright.cli.context import repository
from dockwright.cli.progress import Progress, megabytes
from dockwright.cli.verbs.sizes import asked
from dockwright.engine import find
from dockwright.engine.registry import place
from dockwright.errors import UsageError
from dockwright.spec.load import load_fleet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="families, services or machine/service")
    parser.add_argument("--registry", metavar="HOST/PATH", help="where to; $DOCKWRIGHT_REGISTRY, or that of fleet.toml")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(arguments: argparse.Namespace) -> int:
    root = repository()
    fleet = load_fleet(root / "fleet")
    names = asked(fleet, arguments.names)
    where = place.named(arguments.registry) or place.parse(fleet.registry)
    say = Progress(quiet=arguments.json)
    docker = find.running()
    seen = present(docker, fleet, root)
    wanted = chosen(seen, names, every=not arguments.names)
    say(f"pushing {len(wanted)} images to {where}")
    pushed = push.push(docker, where, {name: seen.images[name] for name in wanted}, seen.built, say)
    if arguments.json:
        print(json.dumps({"registry": str(where), "images": [vars(one) for one in pushed]}, indent=2))
        return 0
    rows = [
        (one.name, "unchanged" if one.was_there else "pushed", megabytes(one.moved), one.digest, one.reference)
        for one in pushed
    ]
    table.show(("IMAGE", "", "MOVED", "DIGEST", "REFERENCE"), rows)
    print(f"\n{where} has {len(pushed)} images; {megabytes(sum(one.moved for one in pushed))} moved")
    return 0


def chosen(seen: Present, names: list[str], *, every: bool) -> list[str]:
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
