"""What is known, as the API shows it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from unified_observability_center import models
from unified_observability_center.center import Center
from unified_observability_center.core.health import Memory
from unified_observability_center.core.incidents import Event
from unified_observability_center.core.match import Match, compare
from unified_observability_center.desired import Wanted
from unified_observability_center.reported import Reported, merged
from unified_observability_center.sight import Sight
from unified_observability_center.store.transitions import Kept
from unified_observability_center.words import Key, utc

OLD: Final = 30 * 86400.0  # a report this old of what is not desired tells nothing any more


@dataclass(frozen=True)
class Seen:
    """One instance with everything that is known of it."""

    key: Key
    sight: Sight | None
    reported: Reported | None
    match: Match
    restarts: int

    @property
    def desired(self) -> bool:
        return self.sight is not None and self.sight.desired

    @property
    def started_at(self) -> float | None:
        own = self.sight.memory.started_at if self.sight else None
        return own if own is not None else self.reported.started_at if self.reported else None


def seen(center: Center, key: Key) -> Seen:
    sight = center.following.sights.get(key)
    info, info_at = (sight.info, sight.info_at) if sight else (None, None)
    reported = merged(center.startups.get(key), info, info_at)
    machine, service = key
    wanted = {**sight.wanted.facts, "service": service, "machine": machine} if sight else {}
    match = compare(wanted, reported.facts if reported else None)
    return Seen(key, sight, reported, match, center.restarts.get(key, 0))


def desired(center: Center) -> list[Seen]:
    return [seen(center, key) for key, sight in center.following.sights.items() if sight.desired]


def undesired(center: Center) -> list[Seen]:
    """What reported, or still answers, and is not desired."""
    sights, now = center.following.sights, time.time()
    stray = {key for key, sight in sights.items() if not sight.desired}
    stray |= {key for key, one in center.startups.items() if key not in sights and now - one.at < OLD}
    return [seen(center, key) for key in sorted(stray)]


def known(center: Center, key: Key) -> bool:
    return key in center.following.sights or key in center.startups


def instances(center: Center) -> models.Instances:
    found = center.desired
    return models.Instances(
        at=utc(time.time()),
        machine=found.machine if found else None,
        written_at=None if found is None or found.written_at is None else utc(found.written_at),
        git_sha=found.git_sha if found else "",
        tag=found.tag if found else "",
        desired_problem=center.file.problem,
        instances=[instance(center, one) for one in desired(center)],
        extra=[instance(center, one) for one in undesired(center)],
        left_out=[
            models.LeftOutView(service=one.service, machine=one.machine, why=one.why)
            for one in (found.left_out if found else ())
        ],
    )


def instance(center: Center, one: Seen) -> models.InstanceView:
    sight, (machine, service) = one.sight, one.key
    return models.InstanceView(
        service=service,
        machine=machine,
        desired=_wanted(sight.wanted) if sight is not None and sight.desired else None,
        reported=None if one.reported is None else _reported(center, one.reported),
        health=None if sight is None else health(sight.memory),
        since=None if sight is None else utc(sight.memory.since),
        started_at=None if one.started_at is None else utc(one.started_at),
        match=match(one),
        match_why=one.match.why,
        mismatches=mismatches(one),
        restarts=one.restarts,
    )


def match(one: Seen) -> models.Match:
    return "unknown" if one.match.verdict == "unknown" else one.match.verdict == "true"


def mismatches(one: Seen) -> list[models.MismatchView]:
    return [
        models.MismatchView(what=two.what, desired=two.desired, reported=two.reported) for two in one.match.mismatches
    ]


def health(memory: Memory) -> models.HealthView:
    return models.HealthView(
        state=memory.state,
        reasons=[models.ReasonView(check=one.check, reason=one.reason) for one in memory.reasons],
        seconds=None if memory.seconds is None else round(memory.seconds, 4),
        misses=memory.misses,
        answered_at=None if memory.answered_at is None else utc(memory.answered_at),
    )


def _wanted(row: Wanted) -> models.DesiredView:
    facts = row.facts
    return models.DesiredView(
        address=row.address,
        port=row.port,
        health_port=row.health_port,
        family=facts.get("family", ""),
        phase=facts.get("phase", ""),
        git_sha=facts.get("git_sha", ""),
        tag=facts.get("tag", ""),
        input_digest=facts.get("input_digest", ""),
        sbom_digest=facts.get("sbom_digest", ""),
        image=facts.get("image", ""),
        image_digest=facts.get("image_digest", ""),
        depends=list(row.depends),
        start_seconds=row.start_seconds,
        memory_mb=row.memory_mb,
        cpus=row.cpus,
        gpu_memory_mb=row.gpu_memory_mb,
    )


def _reported(center: Center, found: Reported) -> models.ReportedView:
    facts = found.facts
    return models.ReportedView(
        at=utc(found.at),
        service=facts.get("service", ""),
        machine=facts.get("machine", ""),
        family=facts.get("family", ""),
        git_sha=facts.get("git_sha", ""),
        tag=facts.get("tag", ""),
        input_digest=facts.get("input_digest", ""),
        sbom_digest=facts.get("sbom_digest", ""),
        sbom_kept=facts.get("sbom_digest") in center.sboms,
        profile=found.profile,
    )


def event(found: Event) -> models.EventView:
    return models.EventView(
        id=found.id,
        kind=found.kind,
        machine=found.machine,
        service=found.service,
        at=utc(found.at),
        detail=found.detail,
    )


def transition(found: Kept) -> models.TransitionView:
    return models.TransitionView(
        id=found.id,
        machine=found.machine,
        service=found.service,
        before=found.change.before,
        after=found.change.after,
        at=utc(found.change.at),
        why=found.change.why,
    )
