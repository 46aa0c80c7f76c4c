"""What changed with each instance, when, and why."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from unified_observability_center.core.health import State
from unified_observability_center.core.journal import Transition
from unified_observability_center.store.database import transaction
from unified_observability_center.store.thinning import thin
from unified_observability_center.words import Key

MOST: Final = 20_000


@dataclass(frozen=True)
class Kept:
    id: int
    machine: str
    service: str
    change: Transition


def keep(connection: sqlite3.Connection, changes: Iterable[tuple[Key, Transition]], most: int = MOST) -> None:
    with transaction(connection):
        connection.executemany(
            "INSERT INTO transitions (at, machine, service, before, after, why) VALUES (?, ?, ?, ?, ?, ?)",
            [(one.at, *key, one.before, one.after, one.why) for key, one in changes],
        )
        thin(connection, "transitions", most)


@dataclass(frozen=True)
class Wish:
    limit: int
    machine: str | None = None
    service: str | None = None
    before: int | None = None


def find(connection: sqlite3.Connection, wish: Wish) -> list[Kept]:
    """Newest first."""
    rows = connection.execute(
        "SELECT id, machine, service, before, after, at, why FROM transitions WHERE (?1 IS NULL OR machine = ?1)"
        " AND (?2 IS NULL OR service = ?2) AND (?3 IS NULL OR id < ?3) ORDER BY id DESC LIMIT ?4",
        (wish.machine, wish.service, wish.before, wish.limit),
    )
    return [Kept(one[0], one[1], one[2], Transition(State(one[3]), State(one[4]), one[5], one[6])) for one in rows]


def last(connection: sqlite3.Connection) -> dict[Key, tuple[State, float]]:
    """The state that each instance was last known to be in, and since when."""
    rows = connection.execute(
        "SELECT machine, service, after, at FROM transitions WHERE id IN"
        " (SELECT max(id) FROM transitions GROUP BY machine, service)"
    )
    return {(machine, service): (State(after), at) for machine, service, after, at in rows}


def since(connection: sqlite3.Connection, wall: float) -> dict[Key, list[tuple[float, State]]]:
    """The changes after `wall` of each instance, oldest first, after the one that was in force then."""
    rows = connection.execute(
        "SELECT machine, service, at, after FROM transitions WHERE at > ?1 OR id IN"
        " (SELECT max(id) FROM transitions WHERE at <= ?1 GROUP BY machine, service) ORDER BY id",
        (wall,),
    )
    found: dict[Key, list[tuple[float, State]]] = {}
    for machine, service, at, after in rows:
        found.setdefault((machine, service), []).append((at, State(after)))
    return found


def count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM transitions").fetchone()[0])
