"""Go back to the last release that was healthy before the one that runs, on every machine, gated like a deploy.

What was rendered for that release then is started again as it was. A deploy that was cut off is taken back so, too.
Where a supervisor has brought a release by itself, that one is what runs.

  dockwright rollback                      the last healthy release before this one
  dockwright rollback 20261120-0a1b2c3d    this one
  dockwright rollback --on pc2             this machine only; the others may be off, and stay as they are
  dockwright rollback --dry-run            what would be done
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from dockwright.cli import rolling
from dockwright.cli.rolling import Sites
from dockwright.errors import UsageError
from dockwright.release import health
from dockwright.release.record import Record
from dockwright.release.shelf import Shelf
from dockwright.rollout import brought, deploying, journal
from dockwright.rollout.site import Site
from dockwright.rollout.way_back import by_supervisor


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("release", nargs="?", metavar="RELEASE", help="a release's name; the last healthy one before")
    rolling.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    return rolling.run(
        arguments,
        "rollback",
        lambda found, only, reach: found.find(arguments.release) if arguments.release else _last(found, only, reach),
        completes=not arguments.release,
        as_kept=True,
    )


def _last(found: Shelf, only: Sequence[str], reach: Sites) -> Record:
    """On `only` some machines or on all: what a deploy that was cut off was to go back to, else the release that was
    healthy last and is not what runs.
    """
    begun = journal.here().unfinished()
    now = {str(begun["release"])} if begun else _running(found, reach())
    record = (_before(found, begun, only) if begun else None) or health.last_healthy(found, only, but=now)
    if record is None:
        says = f"no release before {' and '.join(sorted(now)) or 'this one'} was seen healthy"
        raise UsageError(says, "name one of ./dockwright release list")
    return record


def _before(found: Shelf, begun: Mapping[str, Any], only: Sequence[str]) -> Record | None:
    """What a deploy was to go back to; None where machines differ in that, or it is no release."""
    back = begun.get("back_to")
    back = back if isinstance(back, dict) else {}
    names = {brought.release(name) for machine, name in back.items() if not only or machine in only}
    return next((one for one in found.all() if {one.name} == names), None)


def _running(found: Shelf, sites: Mapping[str, Site]) -> set[str]:
    """What supervisors brought by themselves, else what the last deploy to these machines was for."""
    seen = deploying.seen(sites)
    ours = (by_supervisor(site, found, seen) for site in sites.values())
    begun = (one for one in reversed(journal.here().entries()) if one["event"] == "begin")
    last = (one["release"] for one in begun if sites.keys() & one.get("machines", ()))
    return {brought.release(one.release) for one in ours if one} or set(islice(last, 1))
