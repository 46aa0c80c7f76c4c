"""Makes the plan that `dockwright plan` tells: reads the fleet, asks the engine and the registry, changes nothing."""

from __future__ import annotations

import argparse
import json
from concurrent.futures import Future

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


def run(arguments: argparse.Namespace, engine: Future[find.Seen]) -> int:
    root = repository()
    fleet = load_fleet(root / "fleet")
    wanted = chosen.chosen(fleet, root, arguments.names, arguments.machine)
    known = bases.expected(fleet, root, families_of(fleet, wanted.families, wanted.instances))
    images = plan_images(fleet, wanted.families, wanted.instances, root, known)
    origin = read_origin(root)
    try:
        docker = find.running(engine.result())
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
