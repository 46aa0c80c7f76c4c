"""The numbers that decide how fast and how often the supervisor acts. Seconds unless said otherwise."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Policy:
    misses: int = 3  # missed health answers in a row that make an instance hung
    crowd: int = 3  # so many (and over half) of the instances silent at once: rather our view than they
    crowd_misses: int = 12  # misses asked for in such a crowd
    at_once: int = 4  # acts in flight on one machine; 1 in a crowd

    backoff_first: float = 1.0  # the first restart is immediate, the second waits this long, then doubling
    backoff_max: float = 30.0
    window: float = 300.0
    max_restarts: int = 5  # in one window, and in a row without a stable phase between
    cool_down: float = 300.0  # of an open breaker before its one trial; doubles with each trial that fails
    cool_down_max: float = 3600.0
    stable: float = 30.0  # healthy for so long: earlier failures are forgiven

    boot_default: float = 60.0  # deadline of a start when nothing is known of it
    boot_max: float = 1800.0
    unwell_patience: float = 120.0  # for an instance that answers and gives reasons; doubles with each restart
    unwell_max: float = 3600.0
    depends_patience: float = 120.0

    stop_grace: float = 1.0  # after a signal from outside: an operator's stop is announced within it
    removed_grace: float = 2.0  # after a removal that was seen: a recreation from outside gets so long
    absent_grace: float = 60.0  # a container that was never seen: `up` may be about to create it
    created_grace: float = 15.0  # a created container: whoever created it is about to start it

    def __post_init__(self) -> None:
        if self.cool_down < self.window:
            raise ValueError("a cool-down shorter than the window would let more restarts through than max_restarts")

    def backoff(self, failures: int) -> float:
        """Wait before the next act after `failures` acts in a row without a stable phase."""
        return 0.0 if failures == 0 else min(self.backoff_max, self.backoff_first * 2.0 ** min(failures - 1, 30))

    def boot(self, seconds: float, run_out: int) -> float:
        """Deadline of a start: grows with each boot that ran out, so that a slower start is not cut off for ever."""
        return min(self.boot_max, seconds * 2.0 ** min(run_out, 30))

    def unwell(self, restarts: int) -> float:
        return min(self.unwell_max, self.unwell_patience * 2.0 ** min(restarts, 30))
