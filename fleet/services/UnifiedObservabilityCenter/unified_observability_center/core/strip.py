"""The last stretch of an instance's life as segments of one state each, with the time nobody watched as unknown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from unified_observability_center.core.health import State


@dataclass(frozen=True)
class Segment:
    state: State
    began: float
    ended: float


def strip(
    changes: Sequence[tuple[float, State]], lives: Iterable[tuple[float, float]], now: float, length: float
) -> list[Segment]:
    """`changes`: (wall, state from then on), oldest first. `lives`: when we watched, as (began, ended)."""
    begin = now - length
    found: list[Segment] = []
    at, state = begin, State.UNKNOWN
    for moment, after in changes:
        moment = min(max(moment, at), now)
        _add(found, state, at, moment)
        at, state = moment, after
    _add(found, state, at, now)
    for began, ended in gaps(lives, begin, now):
        found = list(_cut(found, began, ended))
    return found


def gaps(lives: Iterable[tuple[float, float]], begin: float, now: float) -> list[tuple[float, float]]:
    """The stretches between `begin` and `now` that lie in no life."""
    found: list[tuple[float, float]] = []
    at = begin
    for began, ended in sorted(lives):
        if min(began, now) > at:
            found.append((at, min(began, now)))
        at = max(at, ended)
    if at < now:
        found.append((at, now))
    return found


def _add(found: list[Segment], state: State, began: float, ended: float) -> None:
    if ended <= began:
        return
    if found and found[-1].state is state:
        began = found.pop().began
    found.append(Segment(state, began, ended))


def _cut(segments: Iterable[Segment], began: float, ended: float) -> list[Segment]:
    found: list[Segment] = []
    for one in segments:
        _add(found, one.state, one.began, min(one.ended, max(began, one.began)))
        _add(found, State.UNKNOWN, max(one.began, began), min(one.ended, ended))
        _add(found, one.state, max(one.began, min(ended, one.ended)), one.ended)
    return found
