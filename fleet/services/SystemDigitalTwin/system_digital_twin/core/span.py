"""An amount that may be known, bounded or unknown; whole numbers, so that sums do not depend on their order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """At least `low`, at most `high`; a `high` of None means that no bound is known."""

    low: int
    high: int | None

    def __post_init__(self) -> None:
        if self.low < 0 or (self.high is not None and self.high < self.low):
            raise ValueError(f"not a span: {self.low} to {self.high}")

    def __add__(self, other: Span) -> Span:
        high = None if self.high is None or other.high is None else self.high + other.high
        return Span(self.low + other.low, high)

    @property
    def known(self) -> bool:
        return self.low == self.high


NOTHING = Span(0, 0)
UNKNOWN = Span(0, None)


def exactly(amount: int | None) -> Span:
    """`None` is an amount that nobody told."""
    return UNKNOWN if amount is None else Span(amount, amount)


def total(spans: Iterable[Span]) -> Span:
    return sum(spans, NOTHING)


def left(taken: int, freed: Span) -> Span:
    """What stays of `taken` when `freed` of it goes. No more can go than was there."""
    least = 0 if freed.high is None else max(0, taken - freed.high)
    return Span(least, max(least, taken - freed.low))
