"""The blueprint as it was signed off, and what differs from it.

blueprint.lock holds each row of the blueprint's tables with its digest, and a digest of each section of the text. It
is never written again: what differs has a ticket.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dockwright.spec.document import text_of
from dockwright.spec.finding import Finding, SpecError
from dockwright.spec.model import FleetFile

LOCK = "blueprint.lock"
TEXT = "blueprint.txt"
ABSENT = "(none)"
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Difference:
    """One value that is not what the blueprint says; `row` names the row it belongs to."""

    row: str
    path: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.path}: {self.old} -> {self.new}"


@dataclass(frozen=True)
class Blueprint:
    """What blueprint.lock holds. `rows`: path -> value; `sections`: letter -> digest of its text."""

    signed_off: str
    sections: Mapping[str, str]
    rows: Mapping[str, Any]


def rows_of(fleet: FleetFile) -> dict[str, Any]:
    """What the blueprint speaks of, and nothing else: row path -> value, as JSON values."""
    values = fleet.model_dump(mode="json", exclude_none=True)
    scalars = ("version", "registry", "tag", "instance_tag", "python", "cuda", "arch_list")
    rows: dict[str, Any] = {name: values[name] for name in scalars if name in values}
    for name, machine in values["machines"].items():
        rows[f"machines.{name}"] = {"gpu": machine["gpu"], "profile": machine["profile"]}
    for name, family in values["families"].items():
        kept = ("parent", "alias_of", "contents", "tag", "python")
        rows[f"families.{name}"] = {key: family[key] for key in kept if family.get(key)}
    for name, service in values["services"].items():
        rows[f"services.{name}"] = service
    for order, phase in enumerate(values["phases"], 1):
        kept_values = {key: value for key, value in phase.items() if key != "name" and value != []}
        rows[f"phases.{phase['name']}"] = {"order": order, **kept_values}
    for risk in values["risks"]:
        rows[f"risks.{risk['id']}"] = {key: value for key, value in risk.items() if key != "id"}
    return rows


def differences(blueprint: Blueprint, now: Mapping[str, Any]) -> list[Difference]:
    """Every value that is not what was signed off, row by row in the order of the blueprint."""
    found: list[Difference] = []
    for row in dict.fromkeys([*blueprint.rows, *now]):
        old, new = blueprint.rows.get(row), now.get(row)
        if digest(old) != digest(new):
            found += [Difference(row, *change) for change in _compare(row, old, new)]
    return found


def _compare(path: str, old: Any, new: Any) -> Iterator[tuple[str, str, str]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            yield from _compare(f"{path}.{key}", old.get(key), new.get(key))
    elif old != new or type(old) is not type(new):
        yield path, canonical(old), canonical(new)


def canonical(value: Any) -> str:
    """A value as tickets and the lock write it: JSON with sorted keys; `(none)` where there is no value."""
    return ABSENT if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)


def digest(value: Any) -> str:
    """sha256 of a row's canonical value."""
    return f"sha256:{hashlib.sha256(canonical(value).encode()).hexdigest()}"


def sections(text: str) -> dict[str, str]:
    """Letter -> text of each section of the blueprint; "head" is what stands before section A."""
    parts = re.split(r"^([A-H])\. (?=[A-Z])", text, flags=re.MULTILINE)
    return {"head": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def render(blueprint: Blueprint) -> str:
    """The text of blueprint.lock: JSON with one row a line, so that a change of it shows as one line."""
    rows = [
        f"    {json.dumps(path)}: {canonical({'digest': digest(value), 'value': value})}"
        for path, value in blueprint.rows.items()
    ]
    head = json.dumps({"signed_off": blueprint.signed_off, "sections": dict(blueprint.sections)}, indent=2)
    return head.removesuffix("\n}") + ',\n  "rows": {\n' + ",\n".join(rows) + "\n  }\n}\n"


def read_blueprint(folder: Path) -> Blueprint:
    """The frozen blueprint of a fleet folder. Raises SpecError when it is missing or was edited."""
    file = f"{folder.name}/{LOCK}"
    text = text_of(folder / LOCK, file)
    try:
        values = json.loads(text)
        rows = {path: row["value"] for path, row in values["rows"].items()}
        edited = [path for path, row in values["rows"].items() if digest(row["value"]) != row["digest"]]
        made = Blueprint(str(values["signed_off"]), {str(k): str(v) for k, v in values["sections"].items()}, rows)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        says = f"is not the lock that was signed off ({type(error).__name__}: {error}); restore it from version control"
        raise SpecError([Finding("frozen", "error", LOCK, file, 1, says)]) from None
    if edited:
        raise SpecError([_edited(path, file, text) for path in edited])
    return made


def _edited(path: str, file: str, text: str) -> Finding:
    before = text.split(f'"{path}"', 1)[0]
    says = "was edited in the lock; a deviation from the blueprint is a ticket (./dockwright change drafts it)"
    return Finding("frozen", "error", path, file, before.count("\n") + 1, says)
