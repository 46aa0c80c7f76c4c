"""The filter's log: one JSON object a line on standard output, for every refusal and every act."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import TextIO

from self_healing_supervisor.filter.rules import Refused, Wish


class Journal:
    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out

    def _line(self, level: str, message: str, **fields: object) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        print(json.dumps({"at": at, "level": level, "message": message, **fields}), file=self._out, flush=True)

    def refused(self, method: str, path: bytes, refusal: Refused) -> None:
        shown = path[:200].decode("ascii", "backslashreplace")
        level = "info" if refusal.status == 404 else "warning"
        self._line(level, "refused", method=method[:20], path=shown, why=str(refusal), status=refusal.status)

    def acted(self, wish: Wish, status: int) -> None:
        name = wish.ref or wish.query.get("name")
        self._line("info", "acted", act=wish.kind, container=name, query=dict(wish.query), status=status)

    def unanswered(self, error: Exception) -> None:
        self._line("error", "the engine did not answer", why=str(error))

    def started(self, socket: str) -> None:
        self._line("info", "listening", socket=socket)
