"""Every difference from the blueprint as signed off has a ticket, and every ticket's change is really there."""

from __future__ import annotations

from collections.abc import Iterator

from dockwright.check import frozen
from dockwright.check.facts import Facts
from dockwright.spec.finding import Finding
from dockwright.spec.model import Fleet


def find(facts: Facts) -> Iterator[Finding]:
    if facts.blueprint is None:
        return
    seen = {str(change): change for change in frozen.differences(facts.blueprint, frozen.rows_of(facts.fleet))}
    permitted = {change for ticket in facts.tickets for change in ticket.changes}
    for text, change in seen.items():
        if text not in permitted:
            says = f"differs from the blueprint without a ticket: {change.old} -> {change.new}"
            yield Finding("frozen", "error", change.path, *_place(facts.fleet, change.path), says)
    now = {change.path: change for change in seen.values()}
    for ticket in facts.tickets:
        for index, text in enumerate(ticket.changes):
            if text in seen:
                continue
            path = text.split(": ", 1)[0]
            is_ = (
                f"the fleet has {now[path].old} -> {now[path].new}"
                if path in now
                else "the fleet does not differ there"
            )
            says = f"ticket {ticket.number:04} names {text}, and {is_}"
            yield Finding("frozen", "error", path, ticket.file, ticket.line("changes", index), says)
    yield from _text(facts)


def _place(fleet: Fleet, path: str) -> tuple[str, int]:
    """Where a row's path stands in fleet.toml, or the nearest thing above it."""
    first, *rest = path.split(".")
    lists = {"phases": [phase.name for phase in fleet.phases], "risks": [risk.id for risk in fleet.risks]}
    if first in lists and rest:
        if rest[0] not in lists[first]:
            return fleet.file, fleet.line(first)
        return fleet.file, fleet.line(first, lists[first].index(rest[0]), *rest[1:])
    return fleet.file, fleet.line(*_keys(fleet, first, rest))


def _keys(fleet: Fleet, first: str, rest: list[str]) -> list[str]:
    """A row's name may hold dots: the longest name that is declared is the row's."""
    names = getattr(fleet, first, None)
    for end in range(len(rest), 0, -1):
        if isinstance(names, dict) and ".".join(rest[:end]) in names:
            return [first, ".".join(rest[:end]), *rest[end:]]
    return [first, *rest]


def _text(facts: Facts) -> Iterator[Finding]:
    """The blueprint's own text is what was signed off, section by section."""
    path = facts.folder / frozen.TEXT
    signed = facts.blueprint.sections if facts.blueprint else {}
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    now = {name: frozen.digest(part) for name, part in frozen.sections(text).items() if part}
    for name in dict.fromkeys([*signed, *now]):
        if facts.blueprint and now.get(name) != signed.get(name):
            before = text.split(f"\n{name}. ", 1)
            line = before[0].count("\n") + 2 if len(before) > 1 else 1
            says = f"the text of section {name} is not what was signed off on {facts.blueprint.signed_off}; restore it"
            yield Finding("frozen", "error", f"section {name}", facts.shown(path), line, says)
