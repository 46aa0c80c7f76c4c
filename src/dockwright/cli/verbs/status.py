"""Each instance on this host: desired, running, healthy (with the reason where not), since when, from which commit.

The exit code is 0 when everything that is desired is healthy from the right image, 1 when not, 3 when no engine
answers.

  dockwright status            once
  dockwright status --watch    again every two seconds, until Ctrl-C
  dockwright status --all      name every instance that does not run here, with why
"""

from __future__ import annotations

import argparse
import json
import sys
import time

from dockwright.cli import shown, table
from dockwright.engine import find
from dockwright.engine.docker import Docker
from dockwright.errors import DockwrightError
from dockwright.rollout import status
from dockwright.rollout.place import here

EVERY = 2.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--watch", action="store_true", help=f"look again every {EVERY:.0f} s")
    parser.add_argument("--all", action="store_true", help="name every instance that is left out")
    parser.add_argument("--json", action="store_true", help="machine-readable output; with --watch one object a line")


def run(arguments: argparse.Namespace) -> int:
    if here().read_desired() is None:
        raise DockwrightError("nothing was rolled out on this host", "./dockwright up does")
    docker = find.running()
    if not arguments.watch:
        seen = _look(docker)
        _show(seen, arguments)
        return 0 if seen.well else 1
    if sys.stdout.isatty() and not arguments.json:
        _watch(docker)
    while True:
        _show(_look(docker), arguments)
        time.sleep(EVERY)


def _look(docker: Docker) -> status.Status:
    return status.read(docker, here().read_desired() or {}, here().address())


def _show(seen: status.Status, arguments: argparse.Namespace) -> None:
    if arguments.json:
        print(json.dumps(as_json(seen), indent=None if arguments.watch else 2), flush=True)
        return
    table.show(shown.COLUMNS, shown.rows(seen))
    print()
    if not seen.filter_running:
        print("the filter before the Docker socket does not run: the supervisor is blind; ./dockwright up mends it")
    for line in shown.unlocked(seen):
        print(line)
    if arguments.all:
        for entry in seen.left_out:
            print(f"{entry['machine']}/{entry['service']}: {entry['why']}")
    else:
        for line in shown.left_out(seen):
            print(line)
    print(shown.verdict(seen), flush=True)


def as_json(seen: status.Status) -> dict[str, object]:
    """The shape that `status --json` prints."""
    return {
        "machine": seen.machine,
        "well": seen.well,
        "healthy": seen.healthy,
        "instances": [row.as_json() for row in seen.rows],
        "left_out": list(seen.left_out),
        "filter_running": seen.filter_running,
    }


def _watch(docker: Docker) -> None:
    from rich.console import Group
    from rich.live import Live

    with Live(screen=True, auto_refresh=False) as live:
        while True:
            seen = _look(docker)
            told = [*shown.unlocked(seen), *shown.left_out(seen)]
            lines = "\n".join(["", *told, shown.verdict(seen), "", "Ctrl-C ends"])
            made = table.rich_table(shown.COLUMNS, shown.rows(seen))
            live.update(Group(made, lines), refresh=True)  # type: ignore[arg-type]
            time.sleep(EVERY)
