"""Decides for all instances of the machine together: dependency order, acts at once, silence of many. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from self_healing_supervisor.core.facts import Facts, Health
from self_healing_supervisor.core.memory import Decision, Kind, Memory, State
from self_healing_supervisor.core.policy import Policy
from self_healing_supervisor.core.treat import Around, step

# Of these nobody need wait: they are up, or it is not to be expected that they come up.
_NO_WAIT = frozenset(
    {State.HEALTHY, State.SUSPECT, State.UNWANTED, State.HELD, State.TRIED, State.PAUSED, State.BROKEN}
)
FORCEFUL = frozenset({Kind.HUNG, Kind.BOOT_RAN_OUT, Kind.UNWELL})


def order(depends: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Names, each after what it depends on; a circle is broken where it is met."""
    done: dict[str, None] = {}
    path: set[str] = set()

    def visit(name: str) -> None:
        if name in done or name in path or name not in depends:
            return
        path.add(name)
        for other in depends[name]:
            visit(other)
        path.discard(name)
        done[name] = None

    for name in sorted(depends):
        visit(name)
    return list(done)


def crowd(memories: Mapping[str, Memory], facts: Mapping[str, Facts], policy: Policy) -> bool:
    """Whether so many of the instances that once answered are silent at once that our own view is in doubt."""
    answered = [name for name, memory in memories.items() if memory.answered and name in facts]
    silent = [name for name in answered if facts[name].health is Health.SILENT]
    return len(silent) >= policy.crowd and 2 * len(silent) > len(answered)


def decide(
    memories: Mapping[str, Memory], facts: Mapping[str, Facts], now: float, policy: Policy
) -> tuple[dict[str, Memory], list[Decision]]:
    """New memories and what to do, for every name in `facts`; names that are gone are forgotten."""
    found = {name: memories.get(name, Memory(since=now)) for name in facts}
    crowded = crowd(found, facts, policy)
    misses = policy.crowd_misses if crowded else policy.misses
    busy = sum(memory.acting for memory in found.values())
    decisions: list[Decision] = []
    for name in order({name: seen.depends for name, seen in facts.items()}):
        ready = all(found[other].state in _NO_WAIT for other in facts[name].depends if other in found)
        around = Around(ready, busy < (1 if crowded else policy.at_once), misses)
        found[name], decision = step(name, found[name], facts[name], around, now, policy)
        if decision is not None:
            busy += 1
            decisions.append(decision)
    return found, decisions
