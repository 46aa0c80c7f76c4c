"""One question to an instance's health port, and what its answer means."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from self_healing_supervisor.core.facts import Health
from self_healing_supervisor.http1 import Request, Unanswered, ask, tcp

SECONDS: Final = 1.4
BODY_BYTES: Final = 16 * 1024
DETAIL: Final = 500


@dataclass(frozen=True)
class Reply:
    """What one question found; `at` is seconds since the epoch, `detail` one line for people."""

    at: float
    health: Health
    detail: str
    status: int | None = None


def _reasons(found: object) -> list[Any]:
    reasons = found.get("reasons") if isinstance(found, dict) else None
    return reasons if isinstance(reasons, list) else []


def judge(at: float, status: int, body: bytes) -> Reply:
    """200 is well. A 503 that blames the instance's own event loop is as good as silence. All else is unwell."""
    if status == 200:
        return Reply(at, Health.WELL, "ok", status)
    try:
        reasons = _reasons(json.loads(body))
    except (ValueError, RecursionError):
        reasons = []
    detail = "; ".join(r if isinstance(r, str) else json.dumps(r) for r in reasons)[:DETAIL] or f"HTTP {status}"
    return Reply(at, Health.SILENT if stuck(reasons) else Health.UNWELL, detail, status)


def stuck(reasons: list[Any]) -> bool:
    """Whether one of the reasons is the kit's own: the event loop does not answer."""
    return any(isinstance(reason, dict) and reason.get("check") == "loop" for reason in reasons)


async def question(address: str, port: int, at: float, seconds: float = SECONDS) -> Reply:
    """Never raises: no answer is an answer. `address` is an IPv4 address, so no resolver can answer with ::1."""
    request = Request("GET", "/health", host=f"{address}:{port}")
    try:
        answer = await ask(tcp(address, port), request, seconds, BODY_BYTES)
    except Unanswered as error:
        return Reply(at, Health.SILENT, str(error)[:DETAIL])
    return judge(at, answer.status, answer.body)
