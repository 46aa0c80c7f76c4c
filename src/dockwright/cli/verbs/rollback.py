"""Go back to the last release that was healthy before the one that runs, on every machine, gated like a deploy.

dockwright rollback                      the last healthy release before this one
dockwright rollback 20261120-0a1b2c3d    this one
dockwright rollback --dry-run            what would be done
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
from dockwright.release.record import Record
from dockwright.rollout import deploying, journal, pins
from dockwright.spec.address import load_addresses, user_file
from dockwright.spec.load import load_fleet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("release", nargs="?", metavar="RELEASE", help="a release's name; the last healthy one before")
    parser.add_argument("--dry-run", action="store_true", help="print the plan and change nothing")
    parser.add_argument(
        "--why", default="", metavar="TEXT", help="what the others are told while the machines are held"
    )
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(arguments: argparse.Namespace) -> int:
    root = repository()
    fleet = load_fleet(root / "fleet")
    say = Progress(quiet=arguments.json)
    found = shelf.here()
    record = found.find(arguments.release) if arguments.release else _last(found)
    reached = deploying.sites(fleet, load_addresses(root / "fleet", fleet.machines, user_file()))
    prepared = deploying.prepare(
        fleet, record, reached, found, pins.held(fleet, find.running(), date.today()), say, as_kept=True
    )
    if arguments.dry_run or prepared.plan.empty:
        deployed.show_plan(prepared, as_json=arguments.json)
        return 0
    if not arguments.json:
        deployed.show_plan(prepared, as_json=False)
    outcome = deploying.carry_out(prepared, "rollback", arguments.why, say)
    return deployed.show_outcome(prepared, outcome, found, as_json=arguments.json)


def _last(found: shelf.Shelf) -> Record:
    """The last healthy release, other than the one that the last deploy was for."""
    now = next((entry["release"] for entry in reversed(journal.here().entries()) if entry["event"] == "begin"), "")
    record = health.last_healthy(found, but=(now,))
    if record is None:
        raise UsageError(
            f"no release before {now or 'this one'} was seen healthy", "name one of ./dockwright release list"
        )
    return record
