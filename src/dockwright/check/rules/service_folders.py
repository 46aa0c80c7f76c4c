"""Every folder of a service or a family has its row in fleet.toml, and the file in it says the same name."""

from __future__ import annotations

from collections.abc import Iterable

from dockwright.check.facts import Facts
from dockwright.spec import references
from dockwright.spec.finding import Finding


def find(facts: Facts) -> Iterable[Finding]:
    return references.strangers(facts.fleet)
