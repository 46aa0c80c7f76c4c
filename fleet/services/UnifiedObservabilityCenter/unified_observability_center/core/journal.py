"""Which change between two memories of an instance is worth a line in the journal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from unified_observability_center.core.health import Memory, State

ANEW: Final = "started anew"


@dataclass(frozen=True)
class Transition:
    """`at` is when `after` began, as far as it was seen."""

    before: State
    after: State
    at: float
    why: str


def transition(before: Memory, after: Memory) -> Transition | None:
    """Not to know is no change of the instance: the next line starts from what it was before we did not know."""
    if after.state is State.UNKNOWN:
        return None
    known = (before.state, before.since) if before.state is not State.UNKNOWN else before.before
    if known is None:
        return Transition(State.UNKNOWN, after.state, after.since, after.why)
    if known == (after.state, after.since):
        return None
    why = after.why if known[0] is not after.state else ANEW
    return Transition(known[0], after.state, after.since, why)
