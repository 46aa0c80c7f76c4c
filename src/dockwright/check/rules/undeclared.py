"""Rows name machines and families that are declared."""

from __future__ import annotations

from collections.abc import Iterable

from dockwright.check.facts import Facts
from dockwright.spec import references
from dockwright.spec.finding import Finding


def find(facts: Facts) -> Iterable[Finding]:
    return references.undeclared(facts.fleet)
