"""Whether to act on a fault now: the breaker first, then dependencies, backoff and the number of acts at once. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from self_healing_supervisor.core.diagnose import diagnose
from self_healing_supervisor.core.facts import Facts, Shape
from self_healing_supervisor.core.learn import learn
from self_healing_supervisor.core.memory import REMEDIES, Breaker, Decision, Fault, Kind, Memory, State
from self_healing_supervisor.core.policy import Policy


@dataclass(frozen=True)
class Around:
    """What the rest of the machine means for one instance at this moment."""

    ready: bool = True  # what it depends on is healthy, or not to be waited for
    free: bool = True  # one more act may begin
    misses: int = 3


def step(
    name: str, memory: Memory, facts: Facts, around: Around, now: float, policy: Policy
) -> tuple[Memory, Decision | None]:
    """One decision about one instance."""
    if memory.acting:  # what is seen meanwhile is of our own making
        return memory, None
    memory = learn(memory, facts, now, policy)
    state, kind = diagnose(memory, facts, around.misses, now, policy)
    if kind is None:
        return replace(memory, fault=None).enter(state, now), None
    memory = _noted(memory, kind, facts.run, now, policy)
    memory = _breaker(memory, now, policy)
    if memory.breaker is Breaker.OPEN:
        return memory.enter(State.BROKEN, now), None
    return _act(name, memory, facts, around, now, policy)


def _noted(memory: Memory, kind: Kind, run: str, now: float, policy: Policy) -> Memory:
    if memory.fault is not None and (memory.fault.kind, memory.fault.run) == (kind, run):
        return memory
    fault = Fault(kind, run, now, now + policy.backoff(memory.failures))
    return replace(memory, fault=fault, trouble=now if memory.trouble is None else memory.trouble)


def _breaker(memory: Memory, now: float, policy: Policy) -> Memory:
    match memory.breaker:
        case Breaker.CLOSED:
            if memory.failures < policy.max_restarts and len(memory.starts) < policy.max_restarts:
                return memory
            return replace(memory, breaker=Breaker.OPEN, opened_at=now, cool_down=policy.cool_down, tried=False)
        case Breaker.TRIAL:
            if not memory.tried:
                return memory
            longer = min(policy.cool_down_max, memory.cool_down * 2)
            return replace(memory, breaker=Breaker.OPEN, opened_at=now, cool_down=longer, tried=False)
        case Breaker.OPEN:
            return replace(memory, breaker=Breaker.TRIAL) if now >= memory.opened_at + memory.cool_down else memory


def _act(
    name: str, memory: Memory, facts: Facts, around: Around, now: float, policy: Policy
) -> tuple[Memory, Decision | None]:
    fault = memory.fault
    if fault is None:
        raise AssertionError("an act without a fault")
    down = facts.shape is not Shape.RUNNING
    if down and not around.ready and now - fault.at < policy.depends_patience:
        return memory.enter(State.WAITING, now), None
    if now < fault.due or not around.free:
        return memory.enter(State.BACKOFF, now), None
    memory = replace(
        memory,
        acting=True,
        tried=memory.breaker is Breaker.TRIAL,
        starts=(*memory.starts, now),
        failures=memory.failures + 1,
        restarts=memory.restarts + 1,
        run_out=memory.run_out + (fault.kind is Kind.BOOT_RAN_OUT),
        unwell_restarts=memory.unwell_restarts + (fault.kind is Kind.UNWELL),
    ).enter(State.ACTING, now)
    return memory, Decision(name, REMEDIES[fault.kind], fault.kind, memory.failures)
