"""Every family reaches a root: no circle, no parent that does not exist, no family without a parent."""

from __future__ import annotations

from collections.abc import Iterable

from dockwright.check.facts import Facts
from dockwright.spec import references
from dockwright.spec.finding import Finding


def find(facts: Facts) -> Iterable[Finding]:
    return references.hierarchy(facts.fleet)
