"""The supervisor's knowledge as the API shows it."""

from __future__ import annotations

import time

from self_healing_supervisor import models
from self_healing_supervisor.core.memory import Breaker, Memory
from self_healing_supervisor.follow.follower import Follower
from self_healing_supervisor.follow.state import Attempt
from self_healing_supervisor.holds import Hold
from self_healing_supervisor.sight import Sight
from self_healing_supervisor.supervisor import Supervisor


def hold(service: str, found: Hold) -> models.HoldView:
    until = None if found.until is None else models.utc(found.until)
    return models.HoldView(service=service, why=found.why, by=found.by, since=models.utc(found.since), until=until)


def instances(supervisor: Supervisor) -> models.Instances:
    watch = supervisor.watch
    return models.Instances(
        machine=supervisor.world.machine,
        at=models.utc(time.time()),
        engine=models.Engine(connected=watch.connected_at is not None, problem=watch.problem),
        instances=[instance(supervisor, one) for _, one in sorted(supervisor.world.treated().items())],
    )


def _fault(memory: Memory, shift: float) -> models.FaultView | None:
    if memory.fault is None:
        return None
    waits = not memory.acting and memory.breaker is not Breaker.OPEN
    return models.FaultView(
        kind=memory.fault.kind, next_attempt=models.utc(memory.fault.due + shift) if waits else None
    )


def instance(supervisor: Supervisor, sight: Sight) -> models.InstanceView:
    name = sight.wanted.service
    memory = supervisor.memories.get(name, Memory())
    shift = time.time() - time.monotonic()
    held = supervisor.holds.get(name)
    broken = memory.breaker is Breaker.OPEN
    return models.InstanceView(
        service=name,
        machine=sight.wanted.machine,
        container=sight.wanted.container,
        state=memory.state,
        since=models.utc(max(memory.since, 0.0) + shift),
        shape=sight.shape,
        health=sight.health,
        detail=sight.answers[-1].detail if sight.answers else "",
        misses=sight.misses,
        fault=_fault(memory, shift),
        restarts=memory.restarts,
        failures=memory.failures,
        breaker=memory.breaker,
        breaker_until=models.utc(memory.opened_at + memory.cool_down + shift) if broken else None,
        boot_deadline_seconds=supervisor.boots.deadline(
            name, sight.wanted.boot_seconds, supervisor.policy.boot_default
        ),
        hold=None if held is None else hold(name, held),
    )


def follow(supervisor: Supervisor, follower: Follower) -> models.FollowView:
    state, wanted = follower.state, supervisor.world.follow
    return models.FollowView(
        machine=supervisor.world.machine,
        registry=wanted.registry if wanted else "",
        wanted=wanted.release if wanted else "",
        registry_problem=follower.source.problem if follower.source else "",
        release=state.release,
        images={service: f"sha256:{digest}" for service, digest in state.images.items()},
        forced=follower.forced,
        attempt=_attempt(state.attempt) if state.attempt else None,
        watched_until=models.utc(state.kept.until) if state.kept else None,
        failed=state.failed,
        waiting=follower.waiting,
        problem=follower.problem,
    )


def _attempt(attempt: Attempt) -> models.AttemptView:
    return models.AttemptView(
        name=attempt.name,
        services=sorted(attempt.images),
        touched=attempt.touched,
        going_back=bool(attempt.why),
        why=attempt.why,
    )
