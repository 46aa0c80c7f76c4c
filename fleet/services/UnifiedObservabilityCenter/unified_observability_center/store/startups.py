"""The last start-up report of each instance."""

from __future__ import annotations

import json
import sqlite3
import time
from dataclasses import dataclass
from typing import Any, Final

from unified_observability_center.store.database import transaction
from unified_observability_center.words import Key

MOST: Final = 1000


@dataclass(frozen=True)
class Startup:
    at: float  # when the report came
    report: dict[str, Any]


def keep(connection: sqlite3.Connection, key: Key, report: dict[str, Any], most: int = MOST) -> Startup:
    at = time.time()
    with transaction(connection):
        connection.execute(
            "INSERT INTO startups VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET at = excluded.at, report = excluded.report",
            (*key, at, json.dumps(report, ensure_ascii=False)),
        )
        connection.execute(
            "DELETE FROM startups WHERE rowid NOT IN (SELECT rowid FROM startups ORDER BY at DESC LIMIT ?)", (most,)
        )
    return Startup(at, report)


def forget(connection: sqlite3.Connection, key: Key) -> None:
    connection.execute("DELETE FROM startups WHERE machine = ? AND service = ?", key)


def all_of_them(connection: sqlite3.Connection) -> dict[Key, Startup]:
    """The oldest first."""
    rows = connection.execute("SELECT machine, service, at, report FROM startups ORDER BY at")
    return {(machine, service): Startup(at, json.loads(report)) for machine, service, at, report in rows}
