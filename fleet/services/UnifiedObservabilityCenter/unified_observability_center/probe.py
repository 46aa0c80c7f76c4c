"""What an instance's health port says, and what that means."""

from __future__ import annotations

import json
import time
from typing import Any, Final

from unified_observability_center.clean import line, value
from unified_observability_center.core.health import Answer, Heard, Reason
from unified_observability_center.http1 import Unanswered, get
from unified_observability_center.words import seconds

SECONDS: Final = 2.5  # the kit needs 1.5 s to say that its event loop is stuck, which tells more than silence
HEALTH_BYTES: Final = 32 * 1024
INFO_BYTES: Final = 64 * 1024
MOST_REASONS: Final = 8
REASON: Final = 300
INFO: Final = ("service", "machine", "family", "git_sha", "tag", "input_digest", "sbom_digest", "kit")


async def health(address: str, port: int) -> Answer:
    """Never raises but on cancellation: no answer is an answer."""
    began = time.monotonic()
    try:
        found = await get(address, port, "/health", SECONDS, HEALTH_BYTES)
    except Unanswered as error:
        return silence(str(error))
    return judge(found.status, found.body, time.monotonic() - began)


def silence(why: str) -> Answer:
    return Answer(Heard.NOTHING, (Reason("answer", line(why, REASON)),))


def judge(status: int, body: bytes, took: float) -> Answer:
    """200 is well, everything else is not, with its reasons where it gives some."""
    told = _object(body)
    started_at = seconds(told.get("started_at"))
    if status == 200:
        return Answer(Heard.WELL, (), took, started_at)
    reasons = told.get("reasons")
    rows = reasons[:MOST_REASONS] if isinstance(reasons, list) else []
    found = tuple(_reason(row) for row in rows) or (Reason("answer", f"HTTP {status}"),)
    return Answer(Heard.UNWELL, found, took, started_at)


def _reason(row: object) -> Reason:
    if isinstance(row, dict):
        return Reason(line(str(row.get("check", "health")), 60), line(str(row.get("reason", "")), REASON))
    return Reason("health", line(row if isinstance(row, str) else json.dumps(row), REASON))


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


async def info(address: str, port: int) -> dict[str, Any] | None:
    """What it says it is: texts for the names in INFO, `started_at` and `profile`. None when it does not say."""
    try:
        found = await get(address, port, "/info", SECONDS, INFO_BYTES)
    except Unanswered:
        return None
    told = _object(found.body)
    if found.status != 200 or not told:
        return None
    texts = {name: line(told[name], 200) for name in INFO if isinstance(told.get(name), str) and told[name]}
    profile = told.get("profile")
    return {
        **texts,
        "started_at": seconds(told.get("started_at")),
        "profile": value(profile) if isinstance(profile, dict) else {},
    }
