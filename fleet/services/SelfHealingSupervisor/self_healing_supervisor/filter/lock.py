"""The deploy lock of the machine, a network of its engine: the supervisor takes and leaves it as any deploy does."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

from self_healing_supervisor.filter.target import labels_of
from self_healing_supervisor.words import DEPLOY_LOCK

LABEL: Final = "io.dockwright.lock"
WHO: Final = "SelfHealingSupervisor"
WHY: Final = "it follows a release"


def taken(now: datetime) -> bytes:
    """The request that takes it, in the words that a deploy reads there."""
    said = {
        "who": WHO,
        "why": WHY,
        "since": now.astimezone(UTC).isoformat(timespec="seconds"),
        "boot": "",
        "process": "",
    }
    labels = {f"{LABEL}.{key}": value for key, value in said.items()}
    return json.dumps({"Name": DEPLOY_LOCK, "Internal": True, "CheckDuplicate": True, "Labels": labels}).encode()


def ours(network: dict[str, Any]) -> bool:
    """Whether it is held by the supervisor; in an earlier life, when it is asked again."""
    return labels_of(network).get(f"{LABEL}.who") == WHO
