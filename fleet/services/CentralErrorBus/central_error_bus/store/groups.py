"""Questions about groups."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any, Final

PAGE: Final = 256 * 1024  # characters of samples in one answer, at least one group
_SHOWN: Final = (
    "id, fingerprint, service, kind, pattern, frames, count, first_seen, last_seen, last_number, state, changed_at,"
    " note, reopened, sample"
)


@dataclass(frozen=True, slots=True)
class GroupSearch:
    """Groups whose last error came before `before`, the latest first. `since` is about their last error."""

    state: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    machine: tuple[str, ...] = ()
    since: int | None = None
    before: int = 2**62
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Machine:
    name: str
    count: int
    last_seen: int


@dataclass(frozen=True, slots=True)
class KeptGroup:
    fingerprint: str
    service: str
    kind: str
    pattern: str
    frames: tuple[str, ...]
    count: int
    first_seen: int
    last_seen: int
    last_number: int
    state: str
    changed_at: int
    note: str
    reopened: int
    sample: dict[str, Any]
    machines: tuple[Machine, ...]


def _kept(connection: sqlite3.Connection, row: tuple[Any, ...]) -> KeptGroup:
    machines = connection.execute(
        "SELECT machine, count, last_seen FROM group_machines WHERE group_id = ? ORDER BY machine", (row[0],)
    )
    frames = tuple(row[5].split("\n")) if row[5] else ()
    plain = dict(zip(_SHOWN.replace(",", " ").split(), row, strict=True))
    plain.pop("id")
    sample = json.loads(row[-1])
    return KeptGroup(**{**plain, "frames": frames, "sample": sample}, machines=tuple(Machine(*one) for one in machines))


def search(connection: sqlite3.Connection, asked: GroupSearch) -> tuple[list[KeptGroup], int | None]:
    """A page, and where the next one begins. A group that gets an error meanwhile moves to the front."""
    words = "last_number < ?"
    values: list[Any] = [asked.before]
    for column, wanted in (("state", asked.state), ("service", asked.service), ("kind", asked.kind)):
        if wanted:
            words += f" AND {column} IN ({_marks(wanted)})"
            values += wanted
    if asked.machine:
        words += " AND id IN (SELECT group_id FROM group_machines"
        words += f" WHERE machine IN ({_marks(asked.machine)}))"
        values += asked.machine
    if asked.since is not None:
        words += " AND last_seen >= ?"
        values.append(asked.since)
    found: list[KeptGroup] = []
    room = PAGE
    rows = connection.execute(
        f"SELECT {_SHOWN} FROM groups WHERE {words} ORDER BY last_number DESC LIMIT ?",  # noqa: S608
        (*values, asked.limit + 1),
    )
    for row in rows:
        if len(found) == asked.limit or (found and room <= 0):
            return found, found[-1].last_number
        found.append(_kept(connection, row))
        room -= len(row[-1]) + len(found[-1].pattern)
    return found, None


def _marks(values: tuple[str, ...]) -> str:
    return ", ".join("?" * len(values))


def one(connection: sqlite3.Connection, fingerprint: str) -> KeptGroup | None:
    row = connection.execute(f"SELECT {_SHOWN} FROM groups WHERE fingerprint = ?", (fingerprint,)).fetchone()  # noqa: S608
    return None if row is None else _kept(connection, row)


def by_state(connection: sqlite3.Connection) -> dict[str, int]:
    found = dict(connection.execute("SELECT state, count(*) FROM groups GROUP BY state"))
    return {state: found.get(state, 0) for state in ("open", "resolved")}
