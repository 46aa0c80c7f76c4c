"""When each lease ends, soonest first. Times are seconds on one monotonic clock."""

from __future__ import annotations

import heapq

SLACK = 64


class Leases:
    """The heap holds one entry for each lease, from when it was first granted: a renewal only moves the end in `_ends`,
    and the entry moves when its time has come. So a renewal costs nothing, and many renewals take no memory."""

    def __init__(self) -> None:
        self._ends: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []

    def grant(self, id: str, ends: float) -> None:
        self._ends[id] = ends
        heapq.heappush(self._heap, (ends, id))
        if len(self._heap) > 2 * len(self._ends) + SLACK:  # mostly leases that were given up
            self._heap = [(ends, id) for id, ends in self._ends.items()]
            heapq.heapify(self._heap)

    def renew(self, id: str, ends: float) -> None:
        """Never shortens."""
        self._ends[id] = max(ends, self._ends[id])

    def give_up(self, id: str) -> None:
        self._ends.pop(id, None)

    def ends(self, id: str) -> float:
        return self._ends[id]

    def take_ended(self, now: float) -> list[str]:
        """Takes away the leases that are over; whose they were, in the order in which they ended."""
        over: list[tuple[float, str]] = []
        while self._heap and self._heap[0][0] <= now:
            _, id = heapq.heappop(self._heap)
            ends = self._ends.get(id)
            if ends is None:
                continue
            if ends > now:
                heapq.heappush(self._heap, (ends, id))
                continue
            del self._ends[id]
            over.append((ends, id))
        return [id for _, id in sorted(over)]

    def next_look(self) -> float | None:
        """No lease ends before this time."""
        return self._heap[0][0] if self._heap else None
