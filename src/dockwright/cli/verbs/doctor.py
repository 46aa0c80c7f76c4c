"""Examine every machine that has an address: engine, disk, clock, ports, registry, cards; each finding with its remedy.

It changes nothing. What a machine does not tell is shown as unknown, with the reason.

  dockwright doctor          every machine
  dockwright doctor pc2      one machine
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from dockwright.cli import table
from dockwright.cli.context import repository
from dockwright.errors import EngineUnavailable, UsageError
from dockwright.rollout import site
from dockwright.rollout.diagnosis import Diagnosis, diagnose
from dockwright.rollout.examine import examine
from dockwright.spec.address import Address, load_addresses, user_file
from dockwright.spec.load import load_fleet
from dockwright.spec.model import Fleet
from dockwright.spec.names import did_you_mean


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("machines", nargs="*", metavar="MACHINE", help="machines of fleet.toml; all when none is named")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(arguments: argparse.Namespace) -> int:
    fleet = load_fleet(repository() / "fleet")
    addresses = load_addresses(repository() / "fleet", fleet.machines, user_file())
    for name in arguments.machines:
        if name not in fleet.machines:
            raise UsageError(f"there is no machine '{name}'{did_you_mean(name, fleet.machines)}")
    names = arguments.machines or list(fleet.machines)
    found = {name: _machine(fleet, name, addresses.get(name)) for name in names}
    if arguments.json:
        print(json.dumps({name: [asdict(one) for one in rows] for name, rows in found.items()}, indent=2))
    else:
        rows = [(name, one.what, one.verdict, one.says, one.remedy) for name, all_ in found.items() for one in all_]
        table.show(("MACHINE", "WHAT", "", "SEEN", "REMEDY"), rows)
    verdicts = [one for rows_ in found.values() for one in rows_]
    if any(one.what == "engine" and one.verdict == "bad" and "does not answer" in one.says for one in verdicts):
        return 3
    return 1 if any(one.verdict == "bad" for one in verdicts) else 0


def _machine(fleet: Fleet, name: str, address: Address | None) -> list[Diagnosis]:
    if address is None:
        remedy = "say in fleet/machines.toml where it is reached; it takes no part in a deploy until then"
        return [Diagnosis("address", "warning", "none", remedy)]
    try:
        reached = site.reach(name, address)
    except EngineUnavailable as error:
        return [Diagnosis("engine", "bad", str(error), error.remedy)]
    ports = {
        port: service
        for service, row in fleet.services.items()
        if name in row.machines and service in fleet.implementations
        for port in (row.port, row.health_port)
    }
    return diagnose(examine(reached, fleet.registry), fleet.machines[name], ports, fleet.registry)
