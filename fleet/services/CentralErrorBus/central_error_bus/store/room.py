"""Keeps the store within its bounds: what is oldest goes first."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Final

from central_error_bus.limits import Limits
from central_error_bus.store.index import Index

ROUNDS: Final = 400


@dataclass(slots=True)
class Held:
    """How much there is; counted once at the start and kept along."""

    errors: int
    groups: int
    removed: int = 0  # errors that had to go since the start
    forgotten: int = 0  # groups that had to go since the start


def held(connection: sqlite3.Connection) -> Held:
    errors = connection.execute("SELECT count(*) FROM errors").fetchone()[0]
    groups = connection.execute("SELECT count(*) FROM groups").fetchone()[0]
    return Held(errors, groups)


def used_bytes(connection: sqlite3.Connection) -> int:
    """Bytes of pages that hold something; pages that became free are used again before the file grows."""
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


class Room:
    """Works inside the caller's transaction and keeps `held` true."""

    def __init__(self, connection: sqlite3.Connection, limits: Limits, index: Index, holds: Held) -> None:
        self._connection = connection
        self._limits = limits
        self._index = index
        self.held = holds
        self._lost = 0

    def make(self) -> None:
        """Removes what is too much. Group counts stay as they are: they tell what came, not what is left."""
        holds, limits = self.held, self._limits
        if holds.errors > limits.errors:
            self._remove_oldest(holds.errors - limits.errors)
        if holds.groups > limits.groups:
            self._forget_groups(holds.groups - limits.groups)
        for _ in range(ROUNDS):
            if used_bytes(self._connection) <= limits.database_bytes:
                break
            if holds.errors:
                self._remove_oldest(max(1, holds.errors // 50))
            elif holds.groups:
                self._forget_groups(max(1, holds.groups // 20))
            else:
                break
        if self._lost:
            self._note_lost()

    def _remove_oldest(self, count: int) -> None:
        execute = self._connection.execute
        row = execute("SELECT number FROM errors ORDER BY number LIMIT 1 OFFSET ?", (count,)).fetchone()
        if row is None:
            row = execute("SELECT max(number) + 1 FROM errors").fetchone()
        oldest = row[0]
        removed = execute("DELETE FROM errors WHERE number < ?", (oldest,)).rowcount
        execute("DELETE FROM texts WHERE number < ?", (oldest,))
        self._index.drop_before(oldest)
        self.held.errors -= removed
        self.held.removed += removed
        self._lost = max(self._lost, oldest - 1)

    def _forget_groups(self, count: int) -> None:
        """The groups that have been silent for longest, with the errors of theirs that are left."""
        execute = self._connection.execute
        rows = execute("SELECT id, last_number FROM groups ORDER BY last_number LIMIT ?", (count,)).fetchall()
        for group, last in rows:
            execute("DELETE FROM texts WHERE number IN (SELECT number FROM errors WHERE group_id = ?)", (group,))
            removed = execute("DELETE FROM errors WHERE group_id = ?", (group,)).rowcount
            execute("DELETE FROM group_machines WHERE group_id = ?", (group,))
            execute("DELETE FROM groups WHERE id = ?", (group,))
            self.held.errors -= removed
            self.held.removed += removed
            self._lost = max(self._lost, last if removed else 0)
        self.held.groups -= len(rows)
        self.held.forgotten += len(rows)

    def _note_lost(self) -> None:
        """Who resumes from before this number is told that some may be missing."""
        self._connection.execute(
            "UPDATE meta SET value = ? WHERE name = 'lost_up_to' AND CAST(value AS INTEGER) < ?",
            (str(self._lost), self._lost),
        )
