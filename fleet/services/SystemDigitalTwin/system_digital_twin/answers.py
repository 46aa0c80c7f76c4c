"""The answer to a question as the API shows it."""

from __future__ import annotations

import time
from typing import Literal

from system_digital_twin import models
from system_digital_twin.core.fit import MachineAnswer
from system_digital_twin.core.needs import Resource
from system_digital_twin.core.ports import Conflict
from system_digital_twin.core.span import Span
from system_digital_twin.core.weigh import Row, Verdict
from system_digital_twin.simulate import Result


def simulation(result: Result, against: Literal["declared", "live"], suggestions: bool) -> models.Simulation:
    after = result.answer.machines
    return models.Simulation(
        fits=fits(result.answer.verdict),
        fits_before=fits(result.before.verdict),
        against=against,
        at=models.utc(time.time()),
        breaks=[why for one in after for why in one.breaks],
        unknown=[why for one in after for why in one.unknowns],
        warnings=[*(why for one in after for why in one.warnings), *result.notes],
        machines=[_machine(old, new) for old, new in zip(result.before.machines, after, strict=True)],
        suggestions=_suggestions(result) if suggestions and result.answer.verdict is Verdict.NO else None,
    )


def fits(verdict: Verdict) -> models.Fits:
    return "unknown" if verdict is Verdict.UNKNOWN else verdict is Verdict.YES


def _machine(old: MachineAnswer, new: MachineAnswer) -> models.MachineFit:
    return models.MachineFit(
        machine=new.machine,
        fits=fits(new.verdict),
        resources=[_resource(before, after) for before, after in zip(old.rows, new.rows, strict=True)],
        port_conflicts=[_conflict(one) for one in new.conflicts],
    )


def _resource(before: Row, after: Row) -> models.ResourceView:
    unit = 1000 if after.resource is Resource.CPU else 1
    known = after.capacity is not None
    return models.ResourceView(
        resource=after.resource,
        fits=fits(after.verdict),
        hard=after.hard,
        why=after.why,
        capacity=_shown(after.capacity, unit),
        reserve=after.reserve / unit,
        used_before=_exact(before.used, unit) if known else None,
        used_after=_exact(after.used, unit) if known else None,
        used_after_at_least=after.used.low / unit,
        used_after_at_most=_shown(after.used.high, unit) if known else None,
        free_after=None if after.free is None else _exact(after.free, unit),
    )


def _exact(span: Span, unit: int) -> float | None:
    return span.low / unit if span.known else None


def _shown(amount: int | None, unit: int) -> float | None:
    return None if amount is None else amount / unit


def _conflict(found: Conflict) -> models.ConflictView:
    claims = [models.ClaimView(service=claim.service, kind=claim.kind) for claim in found.claims]
    return models.ConflictView(port=found.port, claims=claims, why=found.why)


def _suggestions(result: Result) -> models.Suggestions:
    return models.Suggestions(
        removals=[models.RemovalView(machine=one.machine, remove=list(one.services)) for one in result.removals],
        elsewhere=[
            models.ElsewhereView(service=one.service, machine=one.machine, instead_of=one.instead_of)
            for one in result.elsewhere
        ],
    )
