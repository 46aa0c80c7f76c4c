"""Bring this host to what the fleet declares for it: build what is missing, start it, wait until it is healthy.

Without an engine it says what it installs, installs it (Debian and Ubuntu, as root), and starts it. On a host
without an NVIDIA card the machine's CPU instances run. Running it again with nothing changed takes seconds; after
an interruption it goes on where it stopped.

  dockwright up                    what this host plays: the machine of the last `up`, of its card, or the first one
  dockwright up --machine pc2      play pc2
  dockwright up --bind 0.0.0.0     let other hosts reach the services; by default only this host can
  dockwright up --no-install       install nothing; say what is missing
"""

from __future__ import annotations

import argparse
import json
import time
from datetime import date

from dockwright.check.run import check
from dockwright.cli import shown, stood_on, table
from dockwright.cli.context import repository
from dockwright.cli.progress import Progress
from dockwright.errors import UsageError
from dockwright.rollout import facts, status
from dockwright.rollout.logs import brief
from dockwright.rollout.place import here
from dockwright.rollout.up import Outcome, up
from dockwright.spec.finding import SpecError
from dockwright.spec.load import load_fleet
from dockwright.spec.model import Fleet

PAGE = "UnifiedObservabilityCenter"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--machine", metavar="NAME", help="the machine of fleet.toml that this host plays")
    parser.add_argument("--bind", metavar="ADDRESS", help="where ports are published; at first 127.0.0.1")
    parser.add_argument("--no-install", action="store_true", help="install nothing on this host; say what is missing")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(arguments: argparse.Namespace) -> int:
    root = repository()
    began = time.monotonic()
    fleet = load_fleet(root / "fleet")
    errors = [finding for finding in check(root / "fleet", date.today()).findings if finding.severity == "error"]
    if errors:
        raise SpecError(errors)
    bind = arguments.bind or here().bind()
    if not _ipv4(bind):
        raise UsageError(
            f"--bind takes an IPv4 address, not '{bind}'", "127.0.0.1: this host alone; 0.0.0.0: all hosts"
        )
    say = Progress(quiet=arguments.json)
    install = not arguments.no_install
    outcome = up(fleet, root, machine=arguments.machine, bind=bind, install=install, say=say)
    containers = facts.containers(outcome.engine)
    seen = status.read(containers, here().read_desired() or {}, here().address(), here().read_bodies())
    if arguments.json:
        print(json.dumps(_json(outcome, seen, time.monotonic() - began), indent=2))
    else:
        _tell(fleet, outcome, seen, time.monotonic() - began)
    return max(stood_on.tell(outcome.planned), int(bool(outcome.failures)))


def _ipv4(text: str) -> bool:
    import ipaddress

    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def _json(outcome: Outcome, seen: status.Status, seconds: float) -> dict[str, object]:
    return {
        "machine": seen.machine,
        "changed": outcome.changed,
        "built": list(outcome.built.new),
        "seconds": round(seconds, 1),
        "healthy": seen.healthy,
        "instances": [row.as_json() for row in seen.rows],
        "left_out": list(seen.left_out),
        **stood_on.as_json(outcome.planned),
        "release": outcome.release or None,
        "failures": [{"service": f.service, "why": f.why, "logs": list(f.logs)} for f in outcome.failures],
    }


def _tell(fleet: Fleet, outcome: Outcome, seen: status.Status, seconds: float) -> None:
    table.show(shown.COLUMNS, shown.rows(seen))
    print()
    for line in shown.left_out(seen):
        print(line)
    for guest in outcome.choice.guests:
        print(f"{guest.name} runs here too: instances here call it, and no address of {guest.machine} is known")
    for failure in outcome.failures:
        print(f"\n{failure.service}: {failure.why}")
        print("".join(f"  | {line}\n" for line in brief(failure.logs)), end="")
    changed = "" if outcome.changed or outcome.built.new else "nothing to do: "
    print(f"\n{changed}{shown.verdict(seen)} after {seconds:.0f} s")
    if outcome.release:
        print(f"this is release {outcome.release}, and it is healthy here")
    if any(row.service == PAGE and row.state == "healthy" for row in seen.rows):
        print(f"status page: http://{here().address()}:{fleet.services[PAGE].port}/")
