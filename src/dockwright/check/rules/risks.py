"""No risk's date has passed."""

from __future__ import annotations

from collections.abc import Iterator

from dockwright.check.facts import Facts, finding
from dockwright.spec.finding import Finding


def find(facts: Facts) -> Iterator[Finding]:
    seen: set[str] = set()
    for risk in facts.fleet.risks:
        path = f"risks.{risk.id}"
        if risk.id in seen:
            yield finding("risks", "error", risk, path, "is in the register twice", "id")
        seen.add(risk.id)
        if risk.due and risk.due < facts.today:
            days = (facts.today - risk.due).days
            says = f"overdue since {risk.due}, {days} days: {risk.risk}. Mitigation: {risk.mitigation}"
            yield finding("risks", "warning", risk, path, says, "due")
