"""Events that others send: kept once however often they are sent, fair to the quiet when there are too many."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from unified_observability_center.core.incidents import Event
from unified_observability_center.store.database import transaction
from unified_observability_center.store.thinning import thin
from unified_observability_center.words import Key

MOST: Final = 20_000
COUNTED: Final = 2000  # instances whose restarts are counted


@dataclass(frozen=True)
class Sent:
    kind: str
    machine: str
    service: str
    at: float
    detail: dict[str, Any]

    def digest(self, text: str) -> bytes:
        whole = json.dumps([self.kind, self.machine, self.service, self.at, text]).encode()
        return hashlib.sha256(whole).digest()[:16]


def keep(connection: sqlite3.Connection, events: Iterable[Sent], most: int = MOST) -> int:
    """How many were new."""
    new = 0
    with transaction(connection):
        for event in events:
            text = json.dumps(event.detail, ensure_ascii=False)
            done = connection.execute(
                "INSERT OR IGNORE INTO events (sent, at, machine, service, kind, detail) VALUES (?, ?, ?, ?, ?, ?)",
                (event.digest(text), event.at, event.machine, event.service, event.kind, text),
            )
            new += done.rowcount
            if done.rowcount and event.kind == "restarted":
                connection.execute(
                    "INSERT INTO restarts VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1",
                    (event.machine, event.service),
                )
        connection.execute(
            "DELETE FROM restarts WHERE rowid NOT IN (SELECT rowid FROM restarts ORDER BY rowid DESC LIMIT ?)",
            (COUNTED,),
        )
        thin(connection, "events", most)
    return new


@dataclass(frozen=True)
class Wish:
    """Which events, newest first. `before`: only those whose id is smaller."""

    limit: int
    machine: str | None = None
    service: str | None = None
    kind: str | None = None
    before: int | None = None


def find(connection: sqlite3.Connection, wish: Wish) -> list[Event]:
    rows = connection.execute(
        "SELECT id, kind, machine, service, at, detail FROM events WHERE (?1 IS NULL OR machine = ?1)"
        " AND (?2 IS NULL OR service = ?2) AND (?3 IS NULL OR kind = ?3) AND (?4 IS NULL OR id < ?4)"
        " ORDER BY id DESC LIMIT ?5",
        (wish.machine, wish.service, wish.kind, wish.before, wish.limit),
    )
    return [Event(one, kind, machine, service, at, json.loads(text)) for one, kind, machine, service, at, text in rows]


def restarts(connection: sqlite3.Connection) -> dict[Key, int]:
    rows = connection.execute("SELECT machine, service, count FROM restarts")
    return {(machine, service): count for machine, service, count in rows}


def count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM events").fetchone()[0])
