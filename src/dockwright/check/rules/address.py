"""fleet/machines.toml says where machines are reached: each is declared, and what it says of one goes together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dockwright.check.facts import Facts
from dockwright.spec.address import load_addresses
from dockwright.spec.finding import Finding, SpecError


def find(facts: Facts) -> Iterator[Finding]:
    try:
        # The user's own file belongs to no repository: what reads it says what is wrong with it.
        load_addresses(facts.folder, facts.fleet.machines, own=Path("/dev/null/none"))
    except SpecError as error:
        yield from error.findings
