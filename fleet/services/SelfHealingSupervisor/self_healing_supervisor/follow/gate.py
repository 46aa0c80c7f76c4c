"""What an instance must show after it was replaced: health without a break, within its own deadline. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from self_healing_supervisor.core.facts import Health, Shape

WAVE_HOLD: Final = 2.0  # before the next wave starts
HOLD: Final = 5.0  # before a release counts as kept
LAPSE: Final = 6.0  # silence that is forgiven to one that was healthy
RESTLESS: Final = 60.0  # one that goes up and down for so long does not hold


class Verdict(StrEnum):
    BOOTING = "booting"
    HOLDING = "holding"
    HELD = "held"
    ENDED = "ended"
    NEVER_WELL = "was not healthy within its deadline"
    FELL = "was healthy, and is not"

    @property
    def failed(self) -> bool:
        return self in (Verdict.ENDED, Verdict.NEVER_WELL, Verdict.FELL)


@dataclass(frozen=True)
class Look:
    """One look at an instance: is it still the container that was started, and what says its health port."""

    same: bool
    shape: Shape
    health: Health


@dataclass(frozen=True)
class Course:
    """`began` and all times are monotonic seconds."""

    began: float
    deadline: float
    verdict: Verdict = Verdict.BOOTING
    well_at: float | None = None  # the first time, and again whenever it held
    well_since: float | None = None
    ill_since: float | None = None

    def take(self, look: Look, now: float, hold: float) -> Course:
        """The course after one more look. One that failed stays so; one that held can still fall."""
        if self.verdict.failed:
            return self
        if not look.same or look.shape is not Shape.RUNNING:
            return replace(self, verdict=Verdict.ENDED)
        if look.health is Health.WELL:
            since = now if self.well_since is None else self.well_since
            first = now if self.well_at is None else self.well_at
            if now - since >= hold:
                return replace(self, verdict=Verdict.HELD, well_at=now, well_since=since, ill_since=None)
            verdict = Verdict.FELL if now - first >= hold + RESTLESS else Verdict.HOLDING
            return replace(self, verdict=verdict, well_at=first, well_since=since, ill_since=None)
        if self.well_at is None:
            return replace(self, verdict=Verdict.NEVER_WELL) if now - self.began >= self.deadline else self
        since = now if self.ill_since is None else self.ill_since
        verdict = Verdict.FELL if now - since >= LAPSE else Verdict.HOLDING
        return replace(self, verdict=verdict, well_since=None, ill_since=since)
