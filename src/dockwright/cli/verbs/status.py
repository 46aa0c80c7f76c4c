"""Each instance on every machine: desired, running, healthy (with the reason where not), since when, which commit.

It looks at this host, and at each machine of machines.toml that something was deployed to from here. An instance that
was changed by hand, runs another image, is missing, or is not desired is not well; a machine that was told to run
something else than was deployed to it from here is told. An engine that does not answer leaves its rows unknown.

The exit code is 0 when everything that is desired is healthy and as it was rolled out, 1 when not, 3 when an engine
does not answer.

  dockwright status            once
  dockwright status --watch    again every two seconds, until Ctrl-C
  dockwright status --all      name every instance that does not run, with why
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import date

from dockwright.cli import shown, table
from dockwright.cli.context import repository
from dockwright.errors import DockwrightError
from dockwright.rollout import overview, pins
from dockwright.rollout.overview import Overview
from dockwright.spec.address import Address, load_addresses, user_file

EVERY = 2.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--watch", action="store_true", help=f"look again every {EVERY:.0f} s")
    parser.add_argument("--all", action="store_true", help="name every instance that is left out")
    parser.add_argument("--json", action="store_true", help="machine-readable output; with --watch one object a line")


def run(arguments: argparse.Namespace) -> int:
    names = overview.names()
    if not names:
        raise DockwrightError("nothing was rolled out from this host", "./dockwright up or deploy does")
    addresses = load_addresses(repository() / "fleet", names, user_file())
    if not arguments.watch:
        seen = _look(addresses)
        _show(seen, arguments)
        return 3 if seen.silent else 0 if seen.well else 1
    if sys.stdout.isatty() and not arguments.json:
        _watch(addresses)
    while True:
        _show(_look(addresses), arguments)
        time.sleep(EVERY)


def _look(addresses: Mapping[str, Address]) -> Overview:
    return overview.read(overview.known(addresses))


def _show(seen: Overview, arguments: argparse.Namespace) -> None:
    if arguments.json:
        print(json.dumps(as_json(seen), indent=None if arguments.watch else 2), flush=True)
        return
    table.show(shown.COLUMNS, shown.rows(seen))
    print()
    for line in (*_pinned(), *shown.beside(seen), *shown.unlocked(seen)):
        print(line)
    if arguments.all:
        for entry in seen.left_out:
            print(f"{entry['machine']}/{entry['service']}: {entry['why']}")
    else:
        for line in shown.left_out(seen):
            print(line)
    print(shown.whole(seen), flush=True)


def _pinned() -> Iterator[str]:
    return shown.pinned(pins.read().values(), date.today())


def as_json(seen: Overview) -> dict[str, object]:
    """The shape that `status --json` prints."""
    return {
        "well": seen.well,
        "healthy": seen.healthy,
        "machines": [
            {
                "machine": each.status.machine,
                "well": each.well,
                "healthy": each.status.healthy,
                "silent": each.silent or None,
                "otherwise": list(each.otherwise),
                "held": each.held or None,
                "filter_problem": each.status.filter_problem or None,
            }
            for each in seen.machines
        ],
        "instances": [row.as_json() for row in seen.rows],
        "left_out": [dict(entry) for entry in seen.left_out],
        "pins": [{**asdict(pin), "expired": pin.expired(date.today())} for pin in pins.read().values()],
    }


def _watch(addresses: Mapping[str, Address]) -> None:
    from rich.console import Group
    from rich.live import Live

    with Live(screen=True, auto_refresh=False) as live:
        while True:
            seen = _look(addresses)
            told = [*_pinned(), *shown.beside(seen), *shown.unlocked(seen), *shown.left_out(seen)]
            lines = "\n".join(["", *told, shown.whole(seen), "", "Ctrl-C ends"])
            made = table.rich_table(shown.COLUMNS, shown.rows(seen))
            live.update(Group(made, lines), refresh=True)  # type: ignore[arg-type]
            time.sleep(EVERY)
