"""In which order a machine's instances are replaced: phase by phase, and whoever is waited for first. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from self_healing_supervisor.desired import Wanted


def waves(instances: Iterable[Wanted], changing: Collection[str]) -> list[list[str]]:
    """The services that change, in waves. Phases come in the order of the operator's file, which names each instance
    after those that it waits for; where one is waited for in an earlier phase, it goes there."""
    every = {one.service: one for one in instances}
    phases = {phase: number for number, phase in enumerate(dict.fromkeys(one.phase for one in every.values()))}
    ranks = {name: phases[one.phase] for name, one in every.items()}
    for name in reversed(every):
        for other in every[name].depends:
            if other in ranks:
                ranks[other] = min(ranks[other], ranks[name])
    levels: dict[str, int] = {}

    def level(name: str, path: frozenset[str]) -> int:
        if name not in levels:
            before = [other for other in every[name].depends if other in every and other not in path]
            same = [level(other, path | {name}) for other in before if ranks[other] == ranks[name]]
            levels[name] = 1 + max(same, default=-1)
        return levels[name]

    places: dict[tuple[int, int], list[str]] = {}
    for name in every:
        if name in changing:
            places.setdefault((ranks[name], level(name, frozenset({name}))), []).append(name)
    return [places[place] for place in sorted(places)]
