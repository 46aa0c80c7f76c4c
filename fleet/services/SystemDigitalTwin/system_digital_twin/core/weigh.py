"""One resource of one machine once a change is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from system_digital_twin.core import reasons
from system_digital_twin.core.needs import OnMachine, Resource
from system_digital_twin.core.room import Cell, Room
from system_digital_twin.core.span import Span, total
from system_digital_twin.core.use import Use, use


class Verdict(StrEnum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Row:
    """`hard`: decides whether the change fits; a soft one only warns. `why` is empty when the verdict is yes."""

    machine: str
    resource: Resource
    verdict: Verdict
    hard: bool
    why: str
    capacity: int | None
    reserve: int
    used: Span
    free: Span | None


def weigh(machine: str, resource: Resource, room: Room, before: OnMachine, after: OnMachine, reserve: int) -> Row:
    found = use(resource, room, before, after)
    verdict, why = _verdict(resource, room, found, after, reserve)
    return Row(
        machine,
        resource,
        verdict,
        _hard(resource, verdict, found),
        f"{resource} on {machine}: {why}" if why else "",
        room.capacity,
        reserve,
        found.span,
        None if room.capacity is None else _free(room.capacity, found.span),
    )


def _free(capacity: int, used: Span) -> Span:
    least = 0 if used.high is None else max(0, capacity - used.high)
    return Span(least, max(least, capacity - used.low))


def _hard(resource: Resource, verdict: Verdict, found: Use) -> bool:
    """No declaration speaks of disk: as long as nobody told a need of it, not knowing it says nothing of a change."""
    if resource is Resource.DISK and verdict is Verdict.UNKNOWN:
        return any(span.high for span in found.fresh.values())
    return resource is not Resource.CPU


def _verdict(resource: Resource, room: Room, found: Use, after: OnMachine, reserve: int) -> tuple[Verdict, str]:
    if room.others.high == 0 and all(needs.of(resource).high == 0 for needs in after.values()):
        return Verdict.YES, ""  # nothing asks for it
    if room.cells is None:
        return Verdict.UNKNOWN, f"unknown: {room.reason}"
    if not room.cells and found.span.low:
        return Verdict.NO, reasons.none(resource, found.span.low)
    several = len(room.cells) > 1
    fits, why = _in_several(room, found, reserve) if several else _in_one(resource, room, found, reserve)
    if why:
        return Verdict.NO, why
    return (Verdict.YES, "") if fits else (Verdict.UNKNOWN, f"unknown: {reasons.unknown(room, found)}")


def _usable(cells: Sequence[Cell], reserve: int) -> list[int]:
    return [max(0, cell.capacity - reserve) for cell in cells]


def _in_one(resource: Resource, room: Room, found: Use, reserve: int) -> tuple[bool, str]:
    """Whether it surely fits, and why it surely does not."""
    usable, used = sum(_usable(room.cells or (), reserve)), found.span
    if used.low > usable:
        return False, reasons.too_much(resource, used, room.capacity or 0, usable)
    return used.high is not None and used.high <= usable, ""


def _in_several(room: Room, found: Use, reserve: int) -> tuple[bool, str]:
    """The same of several cards. Nobody says which one an instance takes: only what one holds alone surely fits."""
    cells = room.cells or ()
    usable = _usable(cells, reserve)
    most, one = max(((span.low, name) for name, span in found.fresh.items()), default=(0, ""))
    if most > max(usable):
        return False, reasons.too_large(one, most, max(usable))
    fresh, leaving = room.others + total(found.fresh.values()), total(found.leaving.values()).high
    gaps = [max(0, amount - cell.taken) for amount, cell in zip(usable, cells, strict=True)]
    free = sum(usable) if leaving is None else min(sum(usable), sum(gaps) + leaving)
    if fresh.low > free:
        return False, reasons.too_many(fresh.low, free)
    return fresh.high is not None and fresh.high <= max(gaps), ""
