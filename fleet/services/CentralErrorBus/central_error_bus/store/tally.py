"""The groups that a transaction touches: read once, counted in memory, written once."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from central_error_bus.core.fingerprint import Fingerprint
from central_error_bus.core.record import Incoming

SAMPLE_MESSAGE: Final = 2_000  # characters
SAMPLE_TRACE: Final = 8_000
SAMPLE_CONTEXT: Final = 2_000

_COLUMNS: Final = (
    "id",
    "count",
    "first_seen",
    "last_seen",
    "last_number",
    "state",
    "changed_at",
    "note",
    "reopened",
    "sample",
)
_UPDATE: Final = f"UPDATE groups SET {', '.join(f'{name} = :{name}' for name in _COLUMNS[1:])} WHERE id = :id"  # noqa: S608


@dataclass(slots=True)
class Group:
    id: int
    count: int
    first_seen: int
    last_seen: int
    last_number: int
    state: str
    changed_at: int
    note: str
    reopened: int
    sample: str
    machines: dict[str, tuple[int, int]] = field(default_factory=dict)  # not written yet: count and last seen


def sample(number: int, error: Incoming) -> str:
    """Enough of an error to know what its group is about when the error itself has gone."""
    shown: dict[str, Any] = {"number": number, "machine": error.machine, "at": error.at, "level": error.level}
    shown["message"] = error.message[:SAMPLE_MESSAGE]
    shown["trace"] = error.trace[-SAMPLE_TRACE:]
    shown["context"] = json.loads(error.context) if len(error.context) <= SAMPLE_CONTEXT else {}
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))


class Tally:
    def __init__(self, connection: sqlite3.Connection, group_machines: int) -> None:
        self._connection = connection
        self._machines = group_machines
        self._groups: dict[str, Group] = {}
        self.made = 0

    def group(self, fingerprint: str) -> Group | None:
        found = self._groups.get(fingerprint)
        if found is None:
            words = f"SELECT {', '.join(_COLUMNS)} FROM groups WHERE fingerprint = ?"  # noqa: S608
            row = self._connection.execute(words, (fingerprint,)).fetchone()
            if row is not None:
                found = self._groups[fingerprint] = Group(*row)
        return found

    def count(self, error: Incoming, about: Fingerprint, number: int, now: int) -> tuple[int, str]:
        """One more error in its group; gives the group's id in the tables and whether the error opened it."""
        seen = min(error.at, now)  # a clock that runs ahead does not keep a group on top for ever
        group = self.group(about.id)
        opened = ""
        if group is None:
            group = self._make(error, about, number, seen, now)
            opened = "new"
        elif group.state == "resolved":
            group.state, group.changed_at, group.sample = "open", now, sample(number, error)
            group.reopened += 1
            opened = "reopened"
        group.count += 1
        group.first_seen, group.last_seen = min(group.first_seen, seen), max(group.last_seen, seen)
        group.last_number = number
        count, last = group.machines.get(error.machine, (0, seen))
        group.machines[error.machine] = (count + 1, max(last, seen))
        return group.id, opened

    def _make(self, error: Incoming, about: Fingerprint, number: int, seen: int, now: int) -> Group:
        made = self._connection.execute(
            "INSERT INTO groups (fingerprint, service, kind, pattern, frames) VALUES (?, ?, ?, ?, ?)",
            (about.id, error.service, error.kind, about.pattern, "\n".join(about.frames)),
        )
        group = Group(made.lastrowid or 0, 0, seen, seen, number, "open", now, "", 0, sample(number, error))
        self._groups[about.id] = group
        self.made += 1
        return group

    def write(self) -> None:
        for group in self._groups.values():
            row = {name: getattr(group, name) for name in _COLUMNS}
            self._connection.execute(_UPDATE, row)
            self._write_machines(group.id, group.machines.items())

    def _write_machines(self, group: int, machines: Iterable[tuple[str, tuple[int, int]]]) -> None:
        """Machines beyond the bound are counted in the group, and not by name."""
        for machine, (count, last) in machines:
            self._connection.execute(
                "INSERT INTO group_machines SELECT ?1, ?2, ?3, ?4 WHERE"
                " (SELECT count(*) FROM group_machines WHERE group_id = ?1) < ?5"
                " OR EXISTS (SELECT 1 FROM group_machines WHERE group_id = ?1 AND machine = ?2)"
                " ON CONFLICT (group_id, machine)"
                " DO UPDATE SET count = count + excluded.count, last_seen = max(last_seen, excluded.last_seen)",
                (group, machine, count, last, self._machines),
            )
