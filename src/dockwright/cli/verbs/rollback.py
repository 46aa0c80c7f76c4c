"""Go back to the last release that was healthy before the one that runs, on every machine, gated like a deploy.

What was rendered for that release then is started again as it was. A deploy that was cut off is taken back so, too.

  dockwright rollback                      the last healthy release before this one
  dockwright rollback 20261120-0a1b2c3d    this one
  dockwright rollback --on pc2             this machine only; the others may be off, and stay as they are
  dockwright rollback --dry-run            what would be done
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from dockwright.cli import rolling
from dockwright.errors import UsageError
from dockwright.release import health
from dockwright.release.record import Record
from dockwright.release.shelf import Shelf
from dockwright.rollout import journal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("release", nargs="?", metavar="RELEASE", help="a release's name; the last healthy one before")
    rolling.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    return rolling.run(
        arguments,
        "rollback",
        lambda found, only: found.find(arguments.release) if arguments.release else _last(found, only),
        completes=not arguments.release,
        as_kept=True,
    )


def _last(found: Shelf, only: Sequence[str]) -> Record:
    """The release that was healthy last, on `only` some machines or on all: another than the last that they got."""
    begun = [entry for entry in journal.here().entries() if entry["event"] == "begin"]
    ours = [entry["release"] for entry in begun if not only or set(only) & set(entry.get("machines") or ())]
    now = ours[-1] if ours else ""
    record = health.last_healthy(found, only, but=(now,))
    if record is None:
        raise UsageError(
            f"no release before {now or 'this one'} was seen healthy", "name one of ./dockwright release list"
        )
    return record
