"""What a machine has of one resource, and what is taken of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from system_digital_twin.core.needs import Resource
from system_digital_twin.core.span import NOTHING, Span


@dataclass(frozen=True)
class Cell:
    """A part that one need cannot reach across, such as a card."""

    capacity: int
    taken: int = 0


@dataclass(frozen=True)
class Room:
    """`cells` of None: nothing is known, and `reason` says why; no cell at all: the machine has nothing of it.

    `counted` are the services whose use is part of what is taken, with what each uses: a need of theirs is not added
    again, and what they use becomes free when they go. `others` is what those need of whom nothing is told.
    """

    cells: tuple[Cell, ...] | None
    reason: str = ""
    counted: Mapping[str, Span] = field(default_factory=dict)
    others: Span = NOTHING

    @property
    def capacity(self) -> int | None:
        return None if self.cells is None else sum(cell.capacity for cell in self.cells)

    @property
    def taken(self) -> int:
        return sum(cell.taken for cell in self.cells or ())


Rooms = Mapping[Resource, Room]
Reserve = Mapping[Resource, int]
