"""What is known of one machine from its supervisor's answers, how old it is, and since when none comes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from system_digital_twin.report import Report

STALE: Final = 20.0  # seconds; what is older says nothing of now


class State(StrEnum):
    LIVE = "live"
    SILENT = "silent"  # it has an address and does not answer
    NO_ADDRESS = "no_address"


@dataclass
class Sight:
    """`report` is the last good answer, taken in at `received`. Times are seconds since the epoch."""

    machine: str
    since: float  # of the present state
    address: bool = True
    why: str = "not asked yet"
    report: Report | None = None
    received: float = 0.0
    took: float = 0.0  # seconds until the last answer
    heard: float = float("-inf")  # `received` on the monotonic clock: a clock that is set does not age it
    answering: bool = False
    questions: int = 0
    silences: int = 0

    def age(self) -> float | None:
        return None if self.report is None else time.monotonic() - self.heard

    @property
    def fresh(self) -> Report | None:
        """The report while it still tells of now."""
        return self.report if time.monotonic() - self.heard <= STALE else None

    @property
    def state(self) -> State:
        if not self.address:
            return State.NO_ADDRESS
        # A question that hangs is silence too, although nothing has failed yet.
        return State.LIVE if self.answering and self.fresh is not None else State.SILENT

    @property
    def state_since(self) -> float:
        hangs = self.answering and self.state is State.SILENT
        return self.received if hangs else self.since

    def answered(self, report: Report, took: float) -> None:
        now = time.time()
        if not self.answering:
            self.answering, self.since = True, now
        self.report, self.received, self.heard, self.took, self.why = report, now, time.monotonic(), took, ""
        self.questions += 1

    def missed(self, why: str) -> None:
        if self.answering:
            self.answering, self.since = False, time.time()
        self.why = why[:300]
        self.questions += 1
        self.silences += 1

    @property
    def reason(self) -> str:
        """Why nothing is known of now; empty while something is."""
        if not self.address:
            return f"{self.machine} has no address here"
        return "" if self.fresh is not None else f"{self.machine} does not answer: {self.why or 'the answer is late'}"
