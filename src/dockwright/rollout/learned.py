"""What earlier starts have taught: how long an instance may take, and how long it is away when it is replaced. Pure.

A fixed gate once rolled a fleet back for seven days after starts had grown past it; so the deadline follows the starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import median

KEPT = 20
ENOUGH = 3
# A start may take so many times the longest that was seen.
SLACK = 3.0
SHORTEST = 10.0


@dataclass(frozen=True)
class Starts:
    """Seconds from start to first healthy answer, and from stop to healthy, of the last starts; the newest last."""

    starts: tuple[float, ...] = ()
    away: tuple[float, ...] = ()

    def deadline(self, declared: float) -> float:
        """Seconds that a start may take. What is declared counts until enough starts were seen."""
        if len(self.starts) < ENOUGH:
            return max(declared, SLACK * max(self.starts, default=0.0))
        return max(SHORTEST, SLACK * max(self.starts))

    @property
    def downtime(self) -> float | None:
        return median(self.away) if self.away else None

    def with_start(self, seconds: float, away: float | None) -> Starts:
        """These starts and one more that got healthy."""
        more = replace(self, starts=(*self.starts, seconds)[-KEPT:])
        return more if away is None else replace(more, away=(*self.away, away)[-KEPT:])


def read(content: Mapping[str, object] | None) -> dict[str, Starts]:
    """Instance name -> what was learned, from the file's content. What cannot be read is left out: it is a memory."""
    found: dict[str, Starts] = {}
    for name, entry in (content or {}).items():
        if isinstance(entry, Mapping):
            found[name] = Starts(_numbers(entry.get("starts")), _numbers(entry.get("away")))
    return found


def _numbers(value: object) -> tuple[float, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(float(each) for each in value if isinstance(each, int | float) and 0 <= each < 86400)[-KEPT:]


def content(known: Mapping[str, Starts]) -> dict[str, object]:
    """The file's content: what `read` reads."""
    return {
        name: {"starts": [round(each, 2) for each in one.starts], "away": [round(each, 2) for each in one.away]}
        for name, one in sorted(known.items())
    }
