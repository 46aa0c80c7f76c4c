"""Why something does not fit, or cannot be known, in words with figures."""

from __future__ import annotations

from collections.abc import Iterable

from system_digital_twin.core.needs import Resource
from system_digital_twin.core.room import Room
from system_digital_twin.core.span import Span
from system_digital_twin.core.use import Use

NAMED = 5  # so many services are named, the rest is counted


def amount(resource: Resource, value: int) -> str:
    if resource is Resource.CPU:
        return f"{value / 1000:g} CPUs"
    return f"{value:,} MB"


def names(found: Iterable[str]) -> str:
    every = sorted(found)
    more = f" and {len(every) - NAMED} more" if len(every) > NAMED else ""
    return ", ".join(every[:NAMED]) + more


def none(resource: Resource, needed: int) -> str:
    return f"needs {'a card' if resource is Resource.GPU_MEMORY else amount(resource, needed)}, there is none"


def too_much(resource: Resource, used: Span, capacity: int, usable: int) -> str:
    least = "" if used.known else "at least "
    kept = "" if usable == capacity else f" ({amount(resource, capacity)} less the reserve)"
    over = amount(resource, used.low - usable)
    return f"needs {least}{amount(resource, used.low)} of {amount(resource, usable)}{kept}, {over} too much"


def too_large(service: str, need: int, largest: int) -> str:
    return f"{service} alone needs {need:,} MB of {largest:,} MB on one card, {need - largest:,} MB too much"


def too_many(need: int, free: int) -> str:
    return f"needs {need:,} MB more, the cards have {free:,} MB left, {need - free:,} MB too much"


def unknown(room: Room, found: Use) -> str:
    untold = [name for name, span in found.fresh.items() if span.high is None]
    unmeasured = [name for name, span in found.leaving.items() if not span.known]
    why = [room.reason] if room.reason else []
    if untold:
        why.append(f"nobody said how much {names(untold)} {'needs' if len(untold) == 1 else 'need'}")
    if unmeasured:
        why.append(f"how much {names(unmeasured)} {'uses' if len(unmeasured) == 1 else 'use'} now is not known")
    if len(room.cells or ()) > 1:
        why.append("which card an instance takes is not known")
    return "; ".join(why)
