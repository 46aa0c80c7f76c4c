"""Where a machine is not what it is declared to be."""

from __future__ import annotations

from typing import Final

from system_digital_twin.declared import Box
from system_digital_twin.report import Report

# A kernel and a card keep some of the memory that is sold for themselves.
TOLERANCE: Final = 0.1


def drift(machine: str, box: Box | None, seen: Report | None) -> list[str]:
    if box is None or seen is None:
        return []
    found = [
        _off("MB of memory", box.memory_mb, seen.memory.total_mb),
        _other("CPUs", box.cpus, seen.cpu.count),
        *_cards(box, seen),
    ]
    return [f"{machine}: {one}" for one in found if one]


def _cards(box: Box, seen: Report) -> list[str]:
    if seen.gpus is None:
        return []
    if not seen.gpus:
        return [f"{box.gpu or 'a card'} declared, no card seen"] if box.gpu_memory_mb else []
    largest = max(seen.gpus, key=lambda card: card.memory_total_mb)
    named = not box.gpu or any(box.gpu.lower() in card.name.lower() for card in seen.gpus)
    other = "" if named else f"{box.gpu} declared, {largest.name} seen"
    return [other, _off("MB of GPU memory", box.gpu_memory_mb, largest.memory_total_mb)]


def _off(what: str, declared: int | None, seen: int) -> str:
    if declared is None or abs(seen - declared) <= TOLERANCE * max(declared, seen):
        return ""
    return _words(what, declared, seen)


def _other(what: str, declared: float | None, seen: int) -> str:
    return "" if declared is None or declared == seen else _words(what, declared, seen)


def _words(what: str, declared: float, seen: int) -> str:
    return f"{declared:,.16g} {what} declared, {seen:,} seen"
