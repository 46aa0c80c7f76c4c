"""A row names each machine once."""

from __future__ import annotations

from collections.abc import Iterator

from dockwright.check.facts import Facts, finding
from dockwright.spec.finding import Finding


def find(facts: Facts) -> Iterator[Finding]:
    for name, row in facts.fleet.services.items():
        if len(set(row.machines)) < len(row.machines):
            yield finding("rows", "error", row, f"services.{name}.machines", "names a machine twice", "machines")
