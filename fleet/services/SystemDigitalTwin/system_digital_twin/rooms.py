"""What there is on a machine, as declared or as seen live, in the terms of the core."""

from __future__ import annotations

from collections.abc import Callable

from system_digital_twin.core.needs import Key, Needs, Resource
from system_digital_twin.core.room import Cell, Room, Rooms
from system_digital_twin.core.span import NOTHING, UNKNOWN, Span, exactly
from system_digital_twin.declared import Box, Declared, Wanted
from system_digital_twin.report import InstanceUse, Report

Counted = dict[str, InstanceUse]


def thousandths(cpus: float | None) -> int | None:
    return None if cpus is None else round(cpus * 1000)


def needs(wanted: Wanted) -> Needs:
    return Needs(
        exactly(wanted.memory_mb),
        exactly(wanted.gpu_memory_mb),
        UNKNOWN,  # no declaration speaks of disk
        exactly(thousandths(wanted.cpus)),
        wanted.port,
        wanted.health_port,
    )


def placed(declared: Declared) -> dict[Key, Needs]:
    return {Key(one.service, one.machine): needs(one) for one in declared.every}


def declared_rooms(machine: str, box: Box, *, told: bool) -> Rooms:
    """`told`: all that is placed there is known; otherwise others may be there, whatever they need."""
    others = NOTHING if told else UNKNOWN
    reason = "" if told else f"what is desired on {machine} is not told here"

    def room(capacity: int | None, of: str) -> Room:
        if capacity is None:
            return Room(None, f"no {of} is declared for {machine}")
        return Room((Cell(capacity),), reason, others=others)

    gpu = Room((), reason) if box.gpu_memory_mb == 0 else room(box.gpu_memory_mb, "GPU memory")
    return {
        Resource.MEMORY: room(box.memory_mb, "memory"),
        Resource.GPU_MEMORY: gpu,
        Resource.DISK: Room(None, "no disk is declared; ask against what is live"),
        Resource.CPU: room(thousandths(box.cpus), "number of CPUs"),
    }


def unknown_rooms(reason: str) -> Rooms:
    return {one: Room(None, reason) for one in Resource}


def live_rooms(report: Report, there: dict[str, Needs]) -> Rooms:
    """`there`: what is placed on the machine. Of it, what runs is counted in what is taken now."""
    counted = {name: use for name, use in report.uses().items() if name in there}
    cpu, busy = report.cpu, report.cpu.busy_pct
    ticks = Cell(cpu.count * 1000, round(cpu.count * 10 * (busy or 0.0)))
    return {
        Resource.MEMORY: Room(
            (Cell(report.memory.total_mb, report.memory.used_mb),),
            counted=_uses(counted, there, Resource.MEMORY, lambda use: use.memory_mb),
        ),
        Resource.GPU_MEMORY: _cards(report, counted, there),
        Resource.DISK: Room(
            (Cell(report.disk.total_mb, report.disk.used_mb),),
            counted=dict.fromkeys(there, UNKNOWN),  # what they wrote is there, whether they run or not
        ),
        Resource.CPU: Room(
            None if busy is None else (ticks,),
            "how busy the processors are was not measured yet",
            _uses(counted, there, Resource.CPU, lambda use: None if use.cpu_pct is None else use.cpu_pct * 10),
        ),
    }


def _cards(report: Report, counted: Counted, there: dict[str, Needs]) -> Room:
    if report.gpus is None:
        return Room(None, report.gpus_reason or "no reason was given")
    cells = tuple(Cell(card.memory_total_mb, card.memory_used_mb) for card in report.gpus)
    uses = _uses(counted, there, Resource.GPU_MEMORY, lambda use: use.gpu_memory_mb)
    return Room(cells, counted=uses)


def _uses(
    counted: Counted, there: dict[str, Needs], resource: Resource, measured: Callable[[InstanceUse], float | None]
) -> dict[str, Span]:
    """What each uses now; where it was not measured, something between nothing and what it may use at most."""
    found: dict[str, Span] = {}
    for name, use in counted.items():
        value = measured(use)
        found[name] = Span(0, there[name].of(resource).high) if value is None else exactly(int(value))
    return found
