"""Tickets have distinct numbers, dates that have come, and changes where there should be some."""

from __future__ import annotations

from collections.abc import Iterator

from dockwright.check.facts import Facts, finding
from dockwright.spec.finding import Finding


def find(facts: Facts) -> Iterator[Finding]:
    named: dict[str, int] = {}
    numbers: set[int] = set()
    for ticket in facts.tickets:
        number = f"{ticket.number:04}"
        if ticket.number in numbers:
            yield finding("tickets", "error", ticket, "number", f"there are two tickets {number}", "number")
        numbers.add(ticket.number)
        if ticket.date > facts.today:
            yield finding("tickets", "error", ticket, "date", f"{ticket.date} is in the future", "date")
        if ticket.kind == "deviation" and ticket.status == "decided" and not ticket.changes:
            says = 'a deviation names at least one change; what changes no frozen value is kind = "interpretation"'
            yield finding("tickets", "error", ticket, "changes", says, "kind")
        if ticket.kind == "interpretation" and ticket.changes:
            says = 'an interpretation changes no frozen value; expected kind = "deviation"'
            yield finding("tickets", "error", ticket, "kind", says, "changes")
        if ticket.status == "open":
            says = f"ticket {number} waits for a decision: {ticket.title}"
            yield finding("tickets", "warning", ticket, "status", says, "status")
        for position, change in enumerate(ticket.changes):
            other = named.setdefault(change, ticket.number)
            if other != ticket.number:
                says = f"ticket {other:04} names the same change"
                yield finding("tickets", "error", ticket, "changes", says, "changes", position)
        for key in ("why", "evidence", "undo"):
            if "TODO" in getattr(ticket, key):
                yield finding("tickets", "error", ticket, key, "is still the draft's placeholder", key)
