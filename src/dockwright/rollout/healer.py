"""Asks a machine's supervisor to leave instances alone while they are replaced: two that act on one start spoil it.

A start that takes longer than ever is the deploy's to judge, and what it takes back must not be healed meanwhile. Where
no supervisor answers, nobody interferes; where this host is gone before it lifts a hold, its time runs out.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

SERVICE = "SelfHealingSupervisor"
PATIENCE = 2.5
LONGEST = timedelta(minutes=15)


@dataclass(frozen=True)
class Healer:
    """The supervisor of one machine, at `host` and `port`; `token` is the fleet's."""

    host: str
    port: int
    token: str

    def hold(self, services: Iterable[str], why: str) -> None:
        """Have services left alone until they are let go, or for a while. Raises nothing."""
        until = (datetime.now(UTC) + LONGEST).isoformat()
        for each in services:
            if not self._ask("PUT", each, {"why": why, "until": until}):
                return

    def lift(self, services: Iterable[str]) -> None:
        """Have services healed again. Raises nothing."""
        for each in services:
            if not self._ask("DELETE", each):
                return

    def _ask(self, method: str, service: str, body: object = None) -> bool:
        """Whether the supervisor answered, whatever it said: a service that it does not know needs no hold."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE)
        headers = {"Authorization": f"Bearer {self.token.strip()}", "Content-Type": "application/json"}
        try:
            connection.request(method, f"/v1/holds/{service}", None if body is None else json.dumps(body), headers)
            connection.getresponse().read(65536)
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        return True
