"""Errors and changes of groups that are committed together."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from central_error_bus.core.fingerprint import fingerprint
from central_error_bus.core.record import Incoming, Kept
from central_error_bus.limits import Limits
from central_error_bus.store import opening
from central_error_bus.store.index import Index
from central_error_bus.store.room import Held, Room
from central_error_bus.store.schema import connect_reader
from central_error_bus.store.tally import Tally


@dataclass(frozen=True, slots=True)
class Added:
    """The number of each error in the order given, and how many of them were there already."""

    numbers: tuple[int, ...]
    duplicates: int


class Transaction:
    def __init__(self, connection: sqlite3.Connection, limits: Limits, index: Index, holds: Held, now: int) -> None:
        self._connection = connection
        self._index = index
        self._room = Room(connection, limits, index, replace(holds))
        self._tally = Tally(connection, limits.group_machines)
        self._now = now
        self.kept: list[Kept] = []
        self._newest = 0

    def begin(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        row = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'errors'").fetchone()
        self._newest = row[0] if row else 0

    def add(self, errors: Sequence[Incoming]) -> Added:
        numbers: list[int] = []
        before = len(self.kept)
        for error in errors:
            number = self._known(error)
            numbers.append(self._add(error) if number is None else number)
        return Added(tuple(numbers), len(errors) - (len(self.kept) - before))

    def _known(self, error: Incoming) -> int | None:
        if error.id is None:
            return None
        row = self._connection.execute(
            "SELECT number FROM errors WHERE client_id = ? AND service = ? AND machine = ?",
            (error.id, error.service, error.machine),
        ).fetchone()
        return None if row is None else int(row[0])

    def _add(self, error: Incoming) -> int:
        execute = self._connection.execute
        about = fingerprint(error.service, error.kind, error.message, error.trace)
        number = self._newest = self._newest + 1
        group, opened = self._tally.count(error, about, number, self._now)
        execute(
            "INSERT INTO errors VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                self._now,
                error.at,
                error.service,
                error.machine,
                error.level,
                error.kind,
                group,
                opened,
                error.id,
                error.cut,
            ),
        )
        execute("INSERT INTO texts VALUES (?, ?, ?, ?)", (number, error.message, error.trace, error.context))
        self._index.add(number, error.kind, error.message, error.trace)
        self.kept.append(Kept(number, self._now, about.id, opened, error))
        return number

    def settle_group(self, fingerprint: str, state: str, note: str | None) -> bool:
        """Whether there is such a group."""
        group = self._tally.group(fingerprint)
        if group is None:
            return False
        if group.state != state:
            group.state, group.changed_at = state, self._now
        if note is not None:
            group.note = note
        return True

    def check(self) -> None:
        """Raises sqlite3.DatabaseError when the file is broken."""
        path = self._connection.execute("PRAGMA database_list").fetchone()[2]
        with closing(connect_reader(Path(path))) as fresh:  # our own connection may remember pages as they were
            opening.check(fresh)

    def commit(self) -> Held:
        """Makes room, then commits: what was added is on the disk when this returns. Gives what is held now."""
        self._tally.write()
        self._index.write()
        self._room.held.errors += len(self.kept)
        self._room.held.groups += self._tally.made
        self._room.make()
        self._connection.execute("COMMIT")
        return self._room.held

    def take_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._index.read()
