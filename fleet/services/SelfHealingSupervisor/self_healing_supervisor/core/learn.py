"""Folds what is seen into what is remembered: runs, boots, stable phases, the window of restarts. Pure."""

from __future__ import annotations

from dataclasses import replace

from self_healing_supervisor.core.facts import Facts, Health, Shape
from self_healing_supervisor.core.memory import Breaker, Memory
from self_healing_supervisor.core.policy import Policy


def learn(memory: Memory, facts: Facts, now: float, policy: Policy) -> Memory:
    starts = tuple(at for at in memory.starts if at > now - policy.window)
    memory = memory if starts == memory.starts else replace(memory, starts=starts)
    memory = _run(memory, facts, now)
    if facts.held or facts.tried or not facts.wanted:
        return forgiven(memory)
    if memory.healthy_since is not None and now - memory.healthy_since >= policy.stable:
        return stable(memory)
    return memory


def _run(memory: Memory, facts: Facts, now: float) -> Memory:
    if facts.shape is not Shape.RUNNING:
        return replace(memory, healthy_since=None) if memory.healthy_since is not None else memory
    if facts.run != memory.run:
        memory = replace(memory, run=facts.run, boot_since=facts.since, answered=False, healthy_since=None)
    if facts.health is Health.WELL and memory.healthy_since is None:
        return replace(memory, answered=True, healthy_since=now, run_out=0, trouble=None)
    if facts.health in (Health.UNWELL, Health.SILENT) and memory.healthy_since is not None:
        return replace(memory, healthy_since=None)
    return memory


def stable(memory: Memory) -> Memory:
    """After a stable phase failures are forgiven and the breaker closes; the window of restarts still counts."""
    if not memory.failures and memory.breaker is Breaker.CLOSED and not memory.unwell_restarts:
        return memory
    return replace(memory, failures=0, unwell_restarts=0, breaker=Breaker.CLOSED, cool_down=0.0, tried=False)


def forgiven(memory: Memory) -> Memory:
    """An operator's hold wipes the slate: when it is lifted, the instance starts afresh."""
    if not (memory.starts or memory.failures or memory.fault or memory.trouble or memory.run_out):
        return stable(memory)
    return replace(stable(memory), starts=(), failures=0, run_out=0, fault=None, trouble=None)


def acted(memory: Memory) -> Memory:
    """The act has ended, well or not. What is still wrong is seen anew, and then waits for its longer backoff."""
    return replace(memory, acting=False, fault=None)
