"""Names and sizes that are known in several places."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

SERVICE_NAME: Final = r"[A-Z][A-Za-z0-9]{1,59}"
MACHINE_NAME: Final = r"[a-z0-9][a-z0-9-]{0,59}"
KIND: Final = r"[a-z][a-z0-9_]{0,59}"
DIGEST: Final = r"sha256:[0-9a-f]{64}"

SERVICE: Final = re.compile(SERVICE_NAME)
MACHINE: Final = re.compile(MACHINE_NAME)

Key = tuple[str, str]  # machine, service: what names an instance


def utc(wall: float) -> datetime:
    return datetime.fromtimestamp(wall, UTC)


def iso(wall: float) -> str:
    return utc(wall).isoformat(timespec="milliseconds")


def seconds(text: object) -> float | None:
    """Seconds since the epoch of an RFC 3339 time; None when it is none, or names no time zone."""
    try:
        found = datetime.fromisoformat(str(text))
        return found.timestamp() if found.tzinfo else None
    except (ValueError, OverflowError, OSError):
        return None
