"""What is worth telling between two memories of one instance. Pure."""

from __future__ import annotations

from typing import Any

from self_healing_supervisor.core.memory import Breaker, Memory, State

Note = tuple[str, dict[str, Any]]


def notes(before: Memory, after: Memory, now: float) -> list[Note]:
    """Kinds and details: crashed, hung, ..., healed, breaker_opened, breaker_closed, paused, waiting."""
    found: list[Note] = []
    if after.fault is not None and before.fault is None:
        found.append(
            (str(after.fault.kind), {"failures": after.failures, "due_seconds": round(after.fault.due - now, 1)})
        )
    if before.trouble is not None and after.trouble is None and after.state is State.HEALTHY:
        found.append(("healed", {"seconds": round(now - before.trouble, 2), "failures": after.failures}))
    if before.breaker is not after.breaker:
        if after.breaker is Breaker.OPEN:
            found.append(("breaker_opened", {"failures": after.failures, "cool_down_seconds": after.cool_down}))
        elif after.breaker is Breaker.CLOSED:
            found.append(("breaker_closed", {}))
    if after.state is not before.state and after.state in (State.PAUSED, State.WAITING):
        found.append((str(after.state), {}))
    return found
