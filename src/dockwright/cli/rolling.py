"""What `deploy` and `rollback` share: their options, and the way from a release to its end on every machine."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache

from dockwright.cli import deployed
from dockwright.cli.context import repository
from dockwright.cli.progress import Progress
from dockwright.engine import find
from dockwright.release import shelf
from dockwright.release.record import Record
from dockwright.release.shelf import Shelf
from dockwright.rollout import deploying, journal, pins
from dockwright.rollout.hold import Limits
from dockwright.rollout.site import Site
from dockwright.spec.address import load_addresses, user_file
from dockwright.spec.load import load_fleet

DEFAULT = Limits()
Sites = Callable[[], Mapping[str, Site]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="print the plan and change nothing")
    parser.add_argument(
        "--on",
        action="append",
        default=[],
        metavar="MACHINE",
        help="this machine only, where another one is off; may be given again",
    )
    parser.add_argument("--why", default="", metavar="TEXT", help="what others are told while the machines are held")
    parser.add_argument(
        "--hold",
        type=seconds,
        default=DEFAULT.end,
        metavar="SECONDS",
        help=f"how long everything must be healthy in the end; {DEFAULT.end:.0f} by default",
    )
    parser.add_argument(
        "--patience",
        type=seconds,
        default=DEFAULT.patience,
        metavar="SECONDS",
        help=f"how long a machine may be out of reach; {DEFAULT.patience:.0f} by default",
    )
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def seconds(text: str) -> float:
    """A length of time that is one: neither negative nor without end."""
    number = float(text)
    if not 0 <= number <= 86400:
        raise ValueError(text)
    return number


def run(
    arguments: argparse.Namespace,
    verb: str,
    choose: Callable[[Shelf, Sequence[str], Sites], Record],
    *,
    completes: bool,
    as_kept: bool = False,
) -> int:
    """Plan, show, carry out, tell; returns the exit code.

    `choose`: which release it is, for these machines or (none) for all; it may reach them. `completes`: where a deploy
    was cut off, it is that one's machines that are meant.
    """
    root = repository()
    fleet = load_fleet(root / "fleet")
    say = Progress(quiet=arguments.json)
    found = shelf.here()
    begun = journal.here().unfinished() if completes else None
    only = arguments.on or list((begun or {}).get("machines") or ())
    addresses = load_addresses(root / "fleet", fleet.machines, user_file())
    reach = cache(lambda: deploying.sites(fleet, addresses, only))
    record = choose(found, only, lambda: reach().sites)
    reached = reach()
    held = pins.held(fleet, find.running(), date.today())
    prepared = deploying.prepare(fleet, record, reached, found, held, say, as_kept=as_kept)
    if arguments.dry_run or (prepared.plan.empty and not prepared.unproven and journal.here().unfinished() is None):
        deployed.show_plan(prepared, as_json=arguments.json)
        return 0
    if not arguments.json:
        deployed.show_plan(prepared, as_json=False)
    limits = Limits(end=arguments.hold, patience=arguments.patience)
    try:
        outcome = deploying.carry_out(prepared, verb, arguments.why, limits, say)
    except KeyboardInterrupt:
        print(
            f"dockwright: {verb} of {record.name} was interrupted\n"
            "  -> ./dockwright deploy --continue completes it, ./dockwright rollback takes it back",
            file=sys.stderr,
        )
        return 130
    return deployed.show_outcome(prepared, outcome, found, as_json=arguments.json)
