"""One followed instance: what is wanted of it, what it says of itself, what its health port answered."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from unified_observability_center.core.health import Memory, State
from unified_observability_center.desired import Wanted
from unified_observability_center.words import Key

CHANGES: Final = 200


@dataclass
class Sight:
    """`wanted` stays after an instance is no longer desired, to see whether it still runs; `desired` tells."""

    wanted: Wanted
    memory: Memory
    desired: bool = True
    ask_at: float = 0.0  # steady
    asking: bool = False
    info: dict[str, Any] | None = None
    info_at: float | None = None  # wall
    info_due: float = 0.0  # steady
    changes: deque[tuple[float, State]] = field(default_factory=lambda: deque(maxlen=CHANGES))

    @property
    def key(self) -> Key:
        return self.wanted.key

    def see(self, memory: Memory, wall: float) -> None:
        """What was not known before is known from now on only, however long it may have been so."""
        before, self.memory = self.memory, memory
        if before.state is not memory.state:
            self.changes.append((wall if before.state is State.UNKNOWN else memory.since, memory.state))
