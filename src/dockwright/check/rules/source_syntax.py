"""Every Python file of a service parses with its family's Python."""

from __future__ import annotations

from collections.abc import Iterator

from dockwright.check import sources
from dockwright.check.facts import Facts
from dockwright.spec.finding import Finding


def find(facts: Facts) -> Iterator[Finding]:
    for name in facts.fleet.implementations:
        row = facts.fleet.services.get(name)
        if row is None:
            continue
        version = facts.fleet.python_of(row.family)
        major, minor = map(int, version.split("."))
        for source in sources.of_service(facts.folder, name, (major, minor)):
            if source.error:
                says = f"is no Python {version}: {source.error}"
                yield Finding("source-syntax", "error", name, facts.shown(source.path), source.line, says)
