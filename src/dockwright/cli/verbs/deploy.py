"""Roll a release out over every machine that has an address, in waves, each gated by health; a bad one is taken back.

A wave's images are on their machines before its first container stops. Every instance must answer /health without a
break before the next wave begins. If one does not, all that this deploy touched, on every machine, goes back to the
release that was healthy last. What is unchanged is left alone.

  dockwright deploy                      the latest release
  dockwright deploy 20261124-59b51f84    this one
  dockwright deploy --dry-run            what would be done, why, and how long each instance would be away
  dockwright deploy --continue           complete a deploy that was cut off
  dockwright deploy --history            who rolled out what, when, and how it ended
"""

from __future__ import annotations

import argparse
from datetime import date

from dockwright.cli import deployed
from dockwright.cli.context import repository
from dockwright.cli.progress import Progress
from dockwright.engine import find
from dockwright.errors import UsageError
from dockwright.release import health, shelf
from dockwright.release.shelf import LATEST
from dockwright.rollout import deploying, journal, pins
from dockwright.spec.address import load_addresses, user_file
from dockwright.spec.load import load_fleet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("release", nargs="?", metavar="RELEASE", help="a release's name; the latest when none is given")
    parser.add_argument("--dry-run", action="store_true", help="print the plan and change nothing")
    parser.add_argument("--continue", dest="again", action="store_true", help="complete the deploy that was cut off")
    parser.add_argument(
        "--why", default="", metavar="TEXT", help="what the others are told while the machines are held"
    )
    parser.add_argument("--history", action="store_true", help="what earlier deploys did")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(arguments: argparse.Namespace) -> int:
    if arguments.history:
        return deployed.history(as_json=arguments.json)
    root = repository()
    fleet = load_fleet(root / "fleet")
    say = Progress(quiet=arguments.json)
    found = shelf.here()
    record = found.find(_name(arguments), lambda latest: health.last_healthy(found, but=(latest.name,)))
    reached = deploying.sites(fleet, load_addresses(root / "fleet", fleet.machines, user_file()))
    prepared = deploying.prepare(fleet, record, reached, found, pins.held(fleet, find.running(), date.today()), say)
    if arguments.dry_run or prepared.plan.empty:
        deployed.show_plan(prepared, as_json=arguments.json)
        return 0
    if not arguments.json:
        deployed.show_plan(prepared, as_json=False)
    outcome = deploying.carry_out(prepared, "deploy", arguments.why, say)
    return deployed.show_outcome(prepared, outcome, found, as_json=arguments.json)


def _name(arguments: argparse.Namespace) -> str:
    if not arguments.again:
        return arguments.release or LATEST
    begun = journal.here().unfinished()
    if begun is None:
        raise UsageError("no deploy from this host was cut off", "./dockwright deploy --history shows how each ended")
    if arguments.release:
        raise UsageError("--continue goes on with the release that was begun", "leave the name out")
    return str(begun["release"])
