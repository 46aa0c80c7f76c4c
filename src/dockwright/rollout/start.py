"""Starts as this host saw them: when each began, which container came of it, how long its instance was away. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dockwright.rollout.facts import moment
from dockwright.spec.model import Instance


@dataclass
class Start:
    """One start. `at`: when its container was started, on this host's clock; `away_since`: since when it was away, None
    where it was not there before; `container`, running `since` then by its engine's clock.
    """

    at: float
    away_since: float | None
    container: str = ""
    since: str = ""
    work: int = 0
    logged: str = ""
    reason: str = ""

    def away(self, first_ok: float) -> float | None:
        """Seconds from stop to healthy; `first_ok`: from start to healthy."""
        return None if self.away_since is None else self.at - self.away_since + first_ok


def ages(since: Mapping[Instance, str]) -> dict[Instance, float]:
    """How many seconds before the last one of them each was started. `since`: as their engine tells it, by its clock.

    What an instance took to stop before, and others beside it to start, is none of its own start.
    """
    times = {each: moment(text).timestamp() for each, text in since.items() if text}
    return {each: max(times.values()) - time for each, time in times.items()}
