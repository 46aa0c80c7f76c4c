"""What instances wrote, newest last.

Of a JSON line its time, service, level and message are shown; other lines as they are.

  dockwright logs                          the last lines of every instance
  dockwright logs ServiceRegistry -f       one service, and follow it
  dockwright logs --since 10m --level warning
  dockwright logs --json                   the lines as the services wrote them
"""

from __future__ import annotations

import argparse
import json
import sys

from dockwright.engine import find
from dockwright.errors import DockwrightError, UsageError
from dockwright.rollout import logs
from dockwright.rollout.place import here
from dockwright.spec.names import did_you_mean

LEVELS = ("debug", "info", "warning", "error", "critical")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("services", nargs="*", metavar="SERVICE", help="services; all when none is named")
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what they write, until Ctrl-C")
    parser.add_argument("-n", "--lines", type=int, default=20, metavar="N", help="lines of each; default 20")
    parser.add_argument("--since", metavar="TIME", help="only what is newer: 10m, 2h, or 2026-01-31T12:00")
    parser.add_argument("--level", choices=LEVELS, default="debug", help="only this level and graver ones")
    parser.add_argument("--json", action="store_true", help="the lines as the services wrote them")


def run(arguments: argparse.Namespace) -> int:
    desired = here().read_desired()
    if desired is None:
        raise DockwrightError("nothing was rolled out on this host", "./dockwright up does")
    rows = {str(row["service"]): str(row["container"]) for row in desired["instances"]}  # type: ignore[attr-defined]
    for name in arguments.services:
        if name not in rows:
            raise UsageError(f"{name} does not run here{did_you_mean(name, rows)}", f"choose from {', '.join(rows)}")
    if arguments.lines < 0:
        raise UsageError("--lines takes a number of lines, 0 or more")
    chosen = {name: rows[name] for name in arguments.services or rows}
    least = LEVELS.index(arguments.level)
    source = logs.follow if arguments.follow else logs.last
    for entry in source(find.running(), chosen, arguments.lines, arguments.since):
        if arguments.json:
            print(json.dumps({"service": entry.service, "line": entry.text}), flush=arguments.follow)
        elif entry.level not in LEVELS or LEVELS.index(entry.level) >= least:
            print(logs.shown(entry, colour=sys.stdout.isatty()), flush=arguments.follow)
    return 0
