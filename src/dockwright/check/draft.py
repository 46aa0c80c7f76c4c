"""The first draft of a ticket, from the differences that nothing permits yet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

from dockwright.check.frozen import Blueprint, Difference, differences, rows_of
from dockwright.check.ticket import FOLDER, NAME, Ticket
from dockwright.spec.model import Fleet

SECTIONS = {"machines": "D", "services": "F", "risks": "G", "phases": "H"}
BODY = {
    "why": "TODO: why the blueprint's value does not hold.",
    "evidence": "TODO: what was seen or measured.",
    "undo": "TODO: how to go back.",
}


def missing(fleet: Fleet, blueprint: Blueprint, tickets: Iterable[Ticket]) -> list[Difference]:
    """Differences from the blueprint that no ticket names."""
    permitted = {change for ticket in tickets for change in ticket.changes}
    return [change for change in differences(blueprint, rows_of(fleet)) if str(change) not in permitted]


def next_number(folder: Path) -> int:
    """The number after the highest that a file of the change-control folder bears."""
    matches = (NAME.match(path.name) for path in (folder / FOLDER).glob("*.md"))
    return max((int(match[1]) for match in matches if match), default=0) + 1


def render(number: int, title: str, today: date, changes: Sequence[Difference]) -> str:
    """The text of a ticket that permits exactly these changes."""
    letters = sorted({SECTIONS.get(change.path.split(".")[0], "B") for change in changes})
    lines = ["+++", f"number = {number}", f"date = {today}", f"title = {_text(title)}", 'kind = "deviation"']
    lines += [f'section = "{", ".join(letters)}"', "changes = [", *(f"    {_quoted(str(c))}," for c in changes), "]"]
    lines += [f'{key} = """\n{words}\n"""' for key, words in BODY.items()]
    return "\n".join([*lines, "+++", "", f"# {title}", ""])


def default_title(changes: Sequence[Difference]) -> str:
    """Words for a change that nobody named: the rows that it touches."""
    rows = list(dict.fromkeys(change.row for change in changes))
    return f"{', '.join(rows[:3])} {'differ' if len(rows) > 1 else 'differs'} from the blueprint"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _quoted(value: str) -> str:
    """A literal TOML text, so that JSON's own quotes stay readable; escaped where that is not possible."""
    return f"'{value}'" if "'" not in value and value.isprintable() else _text(value)
