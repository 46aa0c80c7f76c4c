"""A family has the programs that every instance runs: curl and sh for the health command, tini as PID 1."""

from __future__ import annotations

from collections.abc import Iterator

from dockwright.check.facts import Facts, finding
from dockwright.spec.finding import Finding

PROGRAMS = {"curl": "the health command", "sh": "the health command", "tini": "PID 1", "python3": "the service"}


def find(facts: Facts) -> Iterator[Finding]:
    fleet = facts.fleet
    used: dict[str, list[str]] = {}
    for name, row in fleet.services.items():
        if row.family in fleet.families:
            used.setdefault(row.family, []).append(name)
    for family, services in used.items():
        have = fleet.provided(family)
        for program, what in PROGRAMS.items():
            if program not in have:
                who = services[0] if len(services) == 1 else f"{services[0]} and {len(services) - 1} more"
                says = f"provides no {program}, which is {what} of {who}; expected it in `provides` here or above"
                declared = fleet.families[family]
                yield finding("health-command", "error", declared, f"families.{family}.provides", says, "provides")
