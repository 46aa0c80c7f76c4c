"""The machines as the API shows them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from system_digital_twin import models
from system_digital_twin.declared import Wanted
from system_digital_twin.drift import drift
from system_digital_twin.history import Line
from system_digital_twin.report import InstanceUse
from system_digital_twin.sight import Sight, State
from system_digital_twin.twin import Twin


def machines(twin: Twin) -> models.Machines:
    return models.Machines(
        at=models.utc(time.time()),
        declared_at=twin.declared.written_at if twin.declared else None,
        machines=[machine(twin, name) for name in twin.names()],
    )


def machine(twin: Twin, name: str) -> models.Machine:
    sight, box, declared = twin.sight(name), twin.boxes().get(name), twin.declared
    wanted = declared.on(name) if declared else ()
    return models.Machine(
        machine=name,
        state=sight.state,
        since=models.utc(sight.state_since),
        why="" if sight.state is State.LIVE else sight.why or "the answer is late",
        declared=box,
        claimed=claimed(wanted),
        complete=declared is not None and declared.tells_of(name),
        live=_live(sight),
        instances=_instances(wanted, sight),
        warnings=drift(name, box, sight.fresh),
    )


def claimed(wanted: Sequence[Wanted]) -> models.Claimed:
    cpus = _sum(one.cpus for one in wanted)
    memory, gpu = _sum(one.memory_mb for one in wanted), _sum(one.gpu_memory_mb for one in wanted)
    return models.Claimed(
        instances=len(wanted),
        memory_mb=None if memory is None else int(memory),
        gpu_memory_mb=None if gpu is None else int(gpu),
        cpus=None if cpus is None else round(cpus, 3),
    )


def _sum(values: Iterable[float | None]) -> float | None:
    every = list(values)
    known = [one for one in every if one is not None]
    return sum(known) if len(known) == len(every) else None


def _live(sight: Sight) -> models.Live | None:
    report, age = sight.report, sight.age()
    if report is None or age is None:
        return None
    return models.Live(
        at=models.utc(sight.received),
        age_seconds=round(age, 1),
        cpu=report.cpu,
        memory=report.memory,
        disk=report.disk,
        gpus=None if report.gpus is None else list(report.gpus),
        gpus_reason=report.gpus_reason,
    )


def _instances(wanted: Sequence[Wanted], sight: Sight) -> list[models.Instance]:
    declared = {one.service: one for one in wanted}
    uses = sight.report.uses() if sight.report else {}
    seen = sight.fresh is not None
    return [
        _instance(name, declared.get(name), uses.get(name), name in uses if seen else None)
        for name in sorted(declared.keys() | uses.keys())
    ]


def _instance(name: str, wanted: Wanted | None, use: InstanceUse | None, running: bool | None) -> models.Instance:
    return models.Instance(
        service=name,
        desired=wanted is not None,
        running=running,
        memory_mb=wanted.memory_mb if wanted else None,
        gpu_memory_mb=wanted.gpu_memory_mb if wanted else None,
        cpus=wanted.cpus if wanted else None,
        memory_used_mb=use.memory_mb if use else None,
        gpu_memory_used_mb=use.gpu_memory_mb if use else None,
        cpu_used_pct=use.cpu_pct if use else None,
    )


def history(machine: str, metric: str, since: float, until: float, line: Line) -> models.HistoryView:
    return models.HistoryView(
        machine=machine,
        metric=metric,
        since=models.utc(since),
        until=models.utc(until),
        seconds=line.seconds,
        points=[
            models.PointView(
                at=models.utc(point.start),
                count=point.tally.count,
                min=round(point.tally.low, 3),
                mean=round(point.tally.mean, 3),
                max=round(point.tally.high, 3),
            )
            for point in line.points
        ],
    )
