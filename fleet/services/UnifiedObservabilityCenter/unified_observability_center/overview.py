"""Puts together what the page shows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Final

from unified_observability_center import overview_models as shown
from unified_observability_center import views
from unified_observability_center.around import Around
from unified_observability_center.center import LOOK_BACK, Center
from unified_observability_center.core.health import State
from unified_observability_center.core.incidents import Incident, incidents
from unified_observability_center.core.match import Verdict as Match
from unified_observability_center.core.strip import strip
from unified_observability_center.core.verdict import Row
from unified_observability_center.core.verdict import verdict as judged
from unified_observability_center.desired import Declared
from unified_observability_center.models import LeftOutView, TransitionView
from unified_observability_center.store import events, transitions
from unified_observability_center.store.database import Unavailable
from unified_observability_center.told import Care, Group, MachineState, Use
from unified_observability_center.views import Seen
from unified_observability_center.words import Key, utc

INCIDENTS: Final = 40
CHANGES: Final = 60
EXTRA: Final = 100
READ_EVENTS: Final = 1000
SEGMENTS: Final = 60
Life = tuple[float, float]
VERDICTS: Final[tuple[Match, ...]] = ("true", "false", "unknown")


class Overview:
    """What comes from the disk is read again only when something was added."""

    def __init__(self, center: Center, around: Around, machine: str) -> None:
        self._center = center
        self._around = around
        self._machine = machine
        self._version = -1
        self._incidents: list[Incident] = []
        self._changes: list[TransitionView] = []

    async def read(self) -> shown.Overview:
        self._around.look()
        await self._reread()
        center, now = self._center, time.time()
        desired = center.desired
        rows, extra = views.desired(center), views.undesired(center)
        phases = list(dict.fromkeys(one.sight.wanted.facts.get("phase", "") for one in rows if one.sight))
        groups, why = self._around.groups()
        return shown.Overview(
            at=utc(now),
            machine=desired.machine if desired else self._machine,
            fleet_git_sha=desired.git_sha if desired else "",
            fleet_tag=desired.tag if desired else "",
            written_at=None if desired is None or desired.written_at is None else utc(desired.written_at),
            desired_problem=center.file.problem,
            verdict=self._verdict(rows, extra),
            counts={state: sum(_state(one) is state for one in rows) for state in State},
            matches={verdict: sum(one.match.verdict == verdict for one in rows) for verdict in VERDICTS},
            machines=self._machines(rows),
            phases=phases,
            instances=self._rows(rows, now),
            extra=[_extra(one) for one in extra[:EXTRA]],
            left_out=[
                LeftOutView(service=one.service, machine=one.machine, why=one.why)
                for one in (desired.left_out if desired else ())
            ],
            incidents=[_incident(one) for one in self._incidents[:INCIDENTS]],
            changes=self._changes,
            errors=shown.ErrorsView(groups=None if groups is None else [_group(one) for one in groups], why=why),
        )

    async def _reread(self) -> None:
        version = self._center.version
        if version == self._version:
            return
        database = self._center.database
        try:
            await self._center.journal.flush()
            found = await database.read(partial(events.find, wish=events.Wish(READ_EVENTS)))
            changes = await database.read(partial(transitions.find, wish=transitions.Wish(CHANGES)))
        except Unavailable:
            return  # what was read before still shows; /health says why
        self._incidents = incidents(reversed(found))
        self._changes = [views.transition(one) for one in changes]
        self._version = version

    def _verdict(self, rows: Sequence[Seen], extra: Sequence[Seen]) -> shown.VerdictView:
        found = judged(
            [Row(_name(one, rows), _state(one), one.match.verdict) for one in rows],
            [one.key[1] for one in extra],
            self._center.file.problem,
        )
        moments = [one.sight.memory.since for one in rows if one.sight]
        since = utc(max(moments)) if moments else None
        return shown.VerdictView(level=found.level, text=found.text, notes=list(found.notes), since=since)

    def _machines(self, rows: Sequence[Seen]) -> list[shown.MachineView]:
        declared = self._center.desired.machines if self._center.desired else {}
        told = self._around.machines()
        names = sorted(
            {*declared, *told, *(one.key[0] for one in rows)}, key=lambda name: (name != self._machine, name)
        )
        return [_machine(name, rows, declared.get(name) or Declared(), told.get(name)) for name in names]

    def _rows(self, rows: Sequence[Seen], now: float) -> list[shown.Row]:
        used, cared = self._around.uses(), self._around.cared()
        lives = [*self._center.lives[:-1], *((began, now) for began, _ in self._center.lives[-1:])]
        desired = {one.key for one in rows}
        return [_row(one, self._host(one.key, desired), used, cared, lives, now) for one in rows]

    def _host(self, key: Key, desired: set[Key]) -> Key:
        """Under which key this host's supervisor tells of an instance: a guest of another machine runs here as well."""
        here = self._machine, key[1]
        return key if here in desired else here


def _state(one: Seen) -> State:
    return one.sight.memory.state if one.sight else State.UNKNOWN


def _name(one: Seen, rows: Sequence[Seen]) -> str:
    machine, service = one.key
    twice = sum(other.key[1] == service for other in rows) > 1
    return f"{service} on {machine}" if twice else service


def _row(
    one: Seen, host: Key, used: dict[Key, Use], cared: dict[Key, Care], lives: Sequence[Life], now: float
) -> shown.Row:
    assert one.sight is not None  # noqa: S101 - only desired instances have rows, and they are followed
    wanted, memory = one.sight.wanted, one.sight.memory
    health, facts = views.health(memory), one.reported.facts if one.reported else {}
    use = used.get(one.key) or used.get(host) or Use(None, None, None)
    care = cared.get(one.key) or cared.get(host)
    segments = strip(one.sight.changes, lives, now, LOOK_BACK)[-SEGMENTS:]
    return shown.Row(
        service=wanted.service,
        machine=wanted.machine,
        phase=wanted.facts.get("phase", ""),
        family=wanted.facts.get("family", ""),
        state=memory.state,
        reasons=health.reasons,
        since=utc(memory.since),
        started_at=None if one.started_at is None else utc(one.started_at),
        git_sha=facts.get("git_sha", ""),
        tag=facts.get("tag", ""),
        match=views.match(one),
        match_why=one.match.why,
        mismatches=views.mismatches(one),
        restarts=one.restarts,
        memory_used_mb=use.memory_mb,
        memory_mb=wanted.memory_mb,
        cpu_pct=use.cpu_pct,
        seconds=health.seconds,
        port=wanted.port,
        health_port=wanted.health_port,
        care=care.text if care else "",
        strip=[shown.SegmentView(state=two.state, seconds=round(two.ended - two.began, 1)) for two in segments],
    )


def _machine(name: str, rows: Sequence[Seen], declared: Declared, told: MachineState | None) -> shown.MachineView:
    here = [one for one in rows if one.key[0] == name]
    found = told or MachineState(why="nobody here tells of it")
    return shown.MachineView(
        machine=name,
        instances=len(here),
        healthy=sum(_state(one) is State.HEALTHY for one in here),
        declared_gpu=declared.gpu,
        declared_cpus=declared.cpus,
        declared_memory_mb=declared.memory_mb,
        why=found.why,
        cpus=found.cpus,
        cpu_busy_pct=found.busy_pct,
        memory_used_mb=found.memory_used_mb,
        memory_total_mb=found.memory_total_mb,
        disk_used_mb=found.disk_used_mb,
        disk_total_mb=found.disk_total_mb,
        gpus=None if found.cards is None else [shown.CardView(**vars(card)) for card in found.cards],
        gpus_why=found.cards_why,
        warnings=list(found.warnings),
    )


def _extra(one: Seen) -> shown.ExtraView:
    machine, service = one.key
    facts = one.reported.facts if one.reported else {}
    return shown.ExtraView(
        service=service,
        machine=machine,
        state=_state(one),
        since=utc(one.sight.memory.since) if one.sight else None,
        git_sha=facts.get("git_sha", ""),
        tag=facts.get("tag", ""),
        reported_at=utc(one.reported.at) if one.reported else None,
    )


def _incident(one: Incident) -> shown.IncidentView:
    return shown.IncidentView(
        machine=one.machine,
        service=one.service,
        at=utc(one.at),
        what=one.what,
        why=one.why,
        acts=one.acts,
        outcome=one.outcome,
        seconds=one.seconds,
        evidence=one.evidence,
    )


def _group(one: Group) -> shown.GroupView:
    return shown.GroupView(
        service=one.service,
        kind=one.kind,
        level=one.level,
        message=one.message or one.pattern,
        count=one.count,
        first_seen=utc(one.first_seen),
        last_seen=utc(one.last_seen),
        machines=list(one.machines),
    )
