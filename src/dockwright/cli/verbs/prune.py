"""Free disk space: build cache, old images of the fleet, and what lies about below the state directory.

Without --yes nothing is touched: it says what would go, and how many bytes each thing frees. Shared layers count once,
and only where nothing that stays has them.

Never freed: what a container needs or should run here, what is pinned, what the fleet is made of now, the newest
release, and of every machine the last two releases that were healthy there; nor images that are not the fleet's, nor
any that somebody has given a tag of their own.

  dockwright prune                           what would go, and what it would free
  dockwright prune --yes                     free it
  dockwright prune --keep 1 --yes            of each family and instance, only the newest image stays
  dockwright prune --older-than 14 --yes     only what is older than 14 days, or was not used for as long
  dockwright prune cache                     one kind only: cache, images, or state (roots, tools, notes of old locks)
  dockwright prune registry --yes            images of the registry, which only goes when it is named

exit codes: 0 done, 1 something could not be freed, 2 wrong usage, 3 no engine, 130 interrupted
"""

from __future__ import annotations

import argparse
import json
from contextlib import ExitStack
from datetime import UTC, datetime

from dockwright.build import make
from dockwright.cli import spaced
from dockwright.cli.context import repository
from dockwright.cli.progress import Progress
from dockwright.engine import find, space
from dockwright.engine.docker import Docker
from dockwright.engine.registry import place
from dockwright.errors import UsageError
from dockwright.release import freeing, prune, shelf
from dockwright.release.freeing import Asked, Found, Host
from dockwright.release.prune import Outcome
from dockwright.rollout import dev, pins
from dockwright.rollout.place import here
from dockwright.spec.load import load_fleet
from dockwright.spec.names import did_you_mean

KEEP = 3
ENGINES = {prune.IMAGES, prune.CACHE}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "kinds", nargs="*", metavar="KIND", help=f"{', '.join(freeing.HERE)} (all three when none is named), registry"
    )
    parser.add_argument(
        "--keep", type=int, default=KEEP, metavar="N", help="images that stay of each instance and family; 3"
    )
    parser.add_argument("--older-than", type=int, default=0, metavar="DAYS", help="what is younger stays")
    parser.add_argument("--registry", metavar="HOST/PATH", help="another registry than that of fleet.toml")
    parser.add_argument("--yes", action="store_true", help="free it; without, nothing is touched")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(arguments: argparse.Namespace) -> int:
    asked = wanted(arguments)
    say = Progress(quiet=arguments.json)
    docker = find.running() if set(asked.kinds) - {freeing.STATE} else None
    with ExitStack() as held:
        if arguments.yes:
            # Nobody may start, build or release anything from what is about to go.
            held.enter_context(make.alone(say))
            held.enter_context(here().alone())
            held.enter_context(shelf.here().alone())
        found = freeing.found(docker, host(arguments.registry), asked, say)
        outcome = Outcome(list(found.items))
        if not arguments.yes:
            _tell(found, outcome, None, arguments)
            return 0
        return _free(docker, found, outcome, say, arguments)


def wanted(arguments: argparse.Namespace) -> Asked:
    """What the command line asks for. Raises UsageError."""
    for kind in arguments.kinds:
        if kind not in freeing.KINDS:
            raise UsageError(f"nothing to free is called {kind}{did_you_mean(kind, freeing.KINDS)}")
    if arguments.keep < 1:
        raise UsageError("--keep takes 1 or more: the newest image of everything stays")
    if arguments.older_than < 0:
        raise UsageError("--older-than takes a number of days, 0 or more")
    return Asked(frozenset(arguments.kinds or freeing.HERE), arguments.keep, arguments.older_than, datetime.now(UTC))


def host(registry: str | None = None) -> Host:
    """This host, as a rollout has left it, and the registry that it uses."""
    root = repository()
    fleet = load_fleet(root / "fleet")
    rows = (here().read_desired() or {}).get("instances", [])
    listed = rows if isinstance(rows, list) else []
    running = {f"{row['machine']}/{row['service']}": str(row["image_digest"]) for row in listed}
    where = place.named(registry) or place.parse(fleet.registry)
    return Host(fleet, root, shelf.here(), running, pins.protected(), dev.environments(fleet, root), where)


def _free(docker: Docker | None, found: Found, outcome: Outcome, say: Progress, arguments: argparse.Namespace) -> int:
    try:
        prune.run(outcome, say)
    except KeyboardInterrupt:
        _tell(found, outcome, None, arguments)
        return 130
    engines = any(item.kind in ENGINES for item in outcome.gone)
    freed = None
    if engines and docker is not None and found.stored is not None:
        freed = found.stored.on_disk - space.read(docker).on_disk
    _tell(found, outcome, freed, arguments)
    return int(bool(outcome.failed))


def _tell(found: Found, outcome: Outcome, freed: int | None, arguments: argparse.Namespace) -> None:
    if arguments.json:
        print(json.dumps(spaced.as_json(found, outcome, freed, done=arguments.yes), indent=2))
    else:
        spaced.show(found, outcome, freed, done=arguments.yes)
