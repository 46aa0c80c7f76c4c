"""Read a fleet, apply every rule, sort what was found."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from dockwright.check.facts import Facts
from dockwright.check.frozen import Blueprint, read_blueprint
from dockwright.check.registry import Rule, all_rules
from dockwright.check.ticket import read_tickets
from dockwright.spec.finding import Finding, SpecError, ordered
from dockwright.spec.load import read_what_is_good, service_folders
from dockwright.spec.model import Fleet

UNREADABLE = {"unreadable", "toml-syntax"}


@dataclass(frozen=True)
class Report:
    """What a check found. `fleet` is None where fleet.toml cannot be used."""

    fleet: Fleet | None
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        """0 no error, 1 errors, 2 fleet.toml cannot be read at all."""
        if self.fleet is None and any(f.rule in UNREADABLE and f.file.endswith("fleet.toml") for f in self.findings):
            return 2
        return 1 if any(finding.severity == "error" for finding in self.findings) else 0

    def as_json(self) -> dict[str, object]:
        """The shape that `dockwright check --json` prints."""
        return {**counts(self.fleet), "findings": [finding.as_json() for finding in self.findings]}


def counts(fleet: Fleet | None) -> dict[str, int]:
    """How many services, instances and implemented services there are."""
    if fleet is None:
        return {"services": 0, "instances": 0, "implemented": 0}
    implemented = sum(name in fleet.services for name in fleet.implementations)
    return {"services": len(fleet.services), "instances": len(fleet.instances()), "implemented": implemented}


def check(folder: Path, today: date) -> Report:
    """Everything that is wrong with the fleet in a folder. Reads files; changes nothing."""
    folder = folder.resolve()
    reading = read_what_is_good(folder)
    fleet, findings = reading.fleet, list(reading.findings)
    tickets, wrong = read_tickets(folder)
    findings += wrong
    blueprint: Blueprint | None = None
    try:
        blueprint = read_blueprint(folder)
    except SpecError as error:
        findings += error.findings
    if fleet is not None:
        facts = Facts(fleet, folder, today, blueprint, tickets, tuple(service_folders(folder)))
        findings += _beyond(reading.dropped, apply(facts, all_rules()))
    return Report(fleet, tuple(ordered(findings)))


def _beyond(dropped: frozenset[str], findings: list[Finding]) -> list[Finding]:
    """Without what only follows from rows that could not be read: such findings name one of them."""
    if not dropped:
        return findings
    named = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, dropped))})(?![\w-])")
    return [finding for finding in findings if not named.search(f"{finding.path} {finding.message}")]


def apply(facts: Facts, rules: Iterable[Rule]) -> list[Finding]:
    """What every rule finds."""
    return [finding for rule in rules for finding in rule.find(facts)]
