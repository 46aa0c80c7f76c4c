"""Roll a release out over every machine that has an address, in waves, each gated by health; a bad one is taken back.

A wave's images are on their machines before its first container stops. Every instance must answer /health without a
break before the next wave begins. If one does not, all that this deploy touched, on every machine, goes back to the
release that was healthy last. What is unchanged is left alone.

  dockwright deploy                      the latest release
  dockwright deploy 20261124-59b51f84    this one
  dockwright deploy --dry-run            what would be done, why, and how long each instance would be away
  dockwright deploy --on pc2             this machine only; the others may be off, and stay as they are
  dockwright deploy --continue           complete a deploy that was cut off
  dockwright deploy --history            who rolled out what, when, and how it ended
"""

from __future__ import annotations

import argparse

from dockwright.cli import deployed, rolling
from dockwright.errors import UsageError
from dockwright.release import health
from dockwright.release.record import Record
from dockwright.release.shelf import LATEST, Shelf
from dockwright.rollout import journal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("release", nargs="?", metavar="RELEASE", help="a release's name; the latest when none is given")
    parser.add_argument("--continue", dest="again", action="store_true", help="complete the deploy that was cut off")
    parser.add_argument("--history", action="store_true", help="what earlier deploys did")
    rolling.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.history:
        return deployed.history(as_json=arguments.json)
    return rolling.run(
        arguments, "deploy", lambda found, *_: _chosen(found, _name(arguments)), completes=arguments.again
    )


def _chosen(found: Shelf, name: str) -> Record:
    return found.find(name, lambda latest: health.last_healthy(found, but=(latest.name,)))


def _name(arguments: argparse.Namespace) -> str:
    if not arguments.again:
        return arguments.release or LATEST
    begun = journal.here().unfinished()
    if begun is None:
        raise UsageError("no deploy from this host was cut off", "./dockwright deploy --history shows how each ended")
    if arguments.release:
        raise UsageError("--continue goes on with the release that was begun", "leave the name out")
    return str(begun["release"])
