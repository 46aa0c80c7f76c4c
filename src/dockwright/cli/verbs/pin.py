"""Hold a service at one image, whatever is released, until a day; the reason is shown wherever it matters.

The tag's image is taken by digest now: a tag that moves later changes nothing. The next deploy brings it about, and
pruning never takes it. FORCE_IMAGE_TAG="Service=tag" in the environment of `deploy` does the same for one deploy.

  dockwright pin ModelOpsCoordinator 20261120-0a1b2c3d4e5f --until 2026-12-01 --why "the new one leaks"
  dockwright pin                           every pin, the expired ones too
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from datetime import date

from dockwright.cli import table
from dockwright.cli.context import repository
from dockwright.engine import find
from dockwright.errors import UsageError
from dockwright.rollout import pins
from dockwright.spec.load import load_fleet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("service", nargs="?", metavar="SERVICE", help="the service to hold")
    parser.add_argument("tag", nargs="?", metavar="TAG", help="an image's tag, with or without its machine")
    parser.add_argument("--until", metavar="DATE", help="the last day on which it holds, such as 2026-12-01")
    parser.add_argument("--why", metavar="TEXT", help="the reason")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(arguments: argparse.Namespace) -> int:
    if arguments.service is None:
        return _list(as_json=arguments.json)
    if not (arguments.tag and arguments.until and arguments.why):
        raise UsageError("a pin wants a tag, --until DATE and --why TEXT", "./dockwright pin --help shows one")
    try:
        until = date.fromisoformat(arguments.until)
    except ValueError as error:
        raise UsageError(f"--until takes a date such as 2026-12-01, not '{arguments.until}'") from error
    fleet = load_fleet(repository() / "fleet")
    made = pins.pin(fleet, find.running(), arguments.service, arguments.tag, until, arguments.why, date.today())
    if arguments.json:
        print(json.dumps(asdict(made), indent=2))
    else:
        print(f"{made.service} is held at {made.tag} until {made.until}; ./dockwright deploy brings it about")
    return 0


def _list(*, as_json: bool) -> int:
    known = pins.read()
    if as_json:
        print(json.dumps([asdict(one) for one in known.values()], indent=2))
        return 0
    rows = [
        (one.service, one.tag, f"{one.until} (expired)" if one.expired(date.today()) else one.until, one.who, one.why)
        for one in known.values()
    ]
    if rows:
        table.show(("SERVICE", "TAG", "UNTIL", "WHO", "WHY"), rows)
    else:
        print("nothing is pinned")
    return 0
