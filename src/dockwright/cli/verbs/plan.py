"""What `build` would do, and why: which images, which of their inputs have changed, what is only tagged again.

Nothing is made and nothing is changed. Each image carries a record of its inputs, so what has changed is told by name:
a file, a pin with both versions, an argument, the parent, the Dockerfile, the kit, the machine profile, the root. It is
told against the image that this machine built last, or the nearest one that the engine has. Times of files, tests,
pages and comments of locks decide nothing.

Where a registry is named (--registry, or $DOCKWRIGHT_REGISTRY), what it has of equal inputs would be pulled in place of
a build, a push is reckoned against its layers, and on a machine that has built nothing yet changes are told against its
newest images.

Without an engine the input digests are listed all the same, and the exit code is 3: what is there, nobody can say.

  dockwright plan                       every implemented instance, and the families below them
  dockwright plan family-web            a family, a service, or machine/service
  dockwright plan --machine pc2         the instances of one machine
  dockwright plan --json                {"counts", "push", "images": [{"name", "action", "changes", …}], …}
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ThreadPoolExecutor

from dockwright.build import bases, last, layers, plan, remote, store
from dockwright.build.images import families_of, plan_images
from dockwright.build.origin import read_origin
from dockwright.cli import chosen, planned, table
from dockwright.cli.context import repository
from dockwright.cli.progress import Progress
from dockwright.engine import find
from dockwright.engine.registry import place
from dockwright.errors import EngineUnavailable
from dockwright.spec.load import load_fleet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    chosen.add_arguments(parser)
    parser.add_argument("--registry", metavar="HOST/PATH", help="take what it has into account; $DOCKWRIGHT_REGISTRY")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(arguments: argparse.Namespace) -> int:
    root = repository()
    fleet = load_fleet(root / "fleet")
    wanted = chosen.chosen(fleet, root, arguments.names, arguments.machine)
    with ThreadPoolExecutor(1) as pool:
        engine = pool.submit(find.running)  # It answers while inputs are digested.
        known = bases.expected(fleet, root, families_of(fleet, wanted.families, wanted.instances))
        images = plan_images(fleet, wanted.families, wanted.instances, root, known)
        origin = read_origin(root)
    try:
        docker = engine.result()
    except EngineUnavailable:
        show(planned.Told(plan.undecided(images, origin), {}, ""), as_json=arguments.json)
        raise
    say = Progress(quiet=arguments.json)
    made, there = plan.on(docker, images, origin), remote.Remote()
    where = place.named(arguments.registry)
    if where:
        there = remote.read(where, images, say)
        made = plan.taken(made, there.images)
    if made.missing:
        earlier = store.every(docker)
        earlier += remote.earlier(where, remote.unknown(earlier, made.missing), say) if where else []
        made = plan.explained(made, earlier, last.built())
    show(planned.Told(made, layers.noted(layers.notes()), docker.host, there), as_json=arguments.json)
    return 0


def show(told: planned.Told, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(told.as_json(), indent=2))
        return
    rows = told.rows()
    if rows:
        table.show(planned.COLUMNS, rows)
        print()
    for line in told.closing():
        print(line)
