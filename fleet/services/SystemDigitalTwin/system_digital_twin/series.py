"""Time series in buckets of several widths: what each keeps of the figures that fell into it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Level:
    """Buckets of `seconds`, kept for `keep` seconds."""

    seconds: int
    keep: int


LEVELS: Final = (Level(5, 600), Level(60, 86_400), Level(900, 30 * 86_400))  # finest first


@dataclass(frozen=True, slots=True)
class Tally:
    """Several figures in one: how many, the least, their mean, the most."""

    count: int
    low: float
    mean: float
    high: float

    def __add__(self, other: Tally) -> Tally:
        count = self.count + other.count
        mean = (self.mean * self.count + other.mean * other.count) / count
        return Tally(count, min(self.low, other.low), mean, max(self.high, other.high))


def one(value: float) -> Tally:
    return Tally(1, value, value, value)


Bucket = dict[str, Tally]  # by metric


def pour(bucket: Bucket, more: Bucket) -> None:
    for metric, tally in more.items():
        held = bucket.get(metric)
        bucket[metric] = tally if held is None else held + tally


RECORD: Final = struct.Struct("<HHfff")  # number of the metric, count, low, mean, high
MOST_COUNTED: Final = 2**16 - 1


def pack(tallies: dict[int, Tally]) -> bytes:
    """By the metrics' numbers, in their order."""
    return b"".join(
        RECORD.pack(number, min(tally.count, MOST_COUNTED), tally.low, tally.mean, tally.high)
        for number, tally in sorted(tallies.items())
    )


def unpack(raw: bytes) -> dict[int, Tally]:
    """What is cut off at the end is left out."""
    whole = memoryview(raw)[: len(raw) // RECORD.size * RECORD.size]
    return {number: Tally(*rest) for number, *rest in RECORD.iter_unpack(whole)}


def find(raw: bytes, number: int) -> Tally | None:
    """One metric out of a packed bucket without unpacking the others."""
    low, high = 0, len(raw) // RECORD.size
    while low < high:
        middle = (low + high) // 2
        at, *rest = RECORD.unpack_from(raw, middle * RECORD.size)
        if at == number:
            return Tally(*rest)
        low, high = (middle + 1, high) if at < number else (low, middle)
    return None


def level_for(age: float, width: float) -> Level:
    """The one to read for data up to `age` seconds old in points `width` seconds wide.

    The coarsest that is fine enough: of a finer one more buckets would be read for the same points. But none that has
    forgotten what is asked for.
    """
    keeping = [level for level in LEVELS if age <= level.keep] or [LEVELS[-1]]
    coarse = [level for level in keeping if level.seconds <= width]
    return coarse[-1] if coarse else keeping[0]
