"""How much of a resource is in use once a change is made, and by whom."""

from __future__ import annotations

from dataclasses import dataclass

from system_digital_twin.core.needs import OnMachine, Resource
from system_digital_twin.core.room import Room
from system_digital_twin.core.span import Span, left, total


@dataclass(frozen=True)
class Use:
    """`fresh` are the needs that come on top of what is taken, `leaving` what those used who go or change."""

    span: Span
    fresh: dict[str, Span]
    leaving: dict[str, Span]


def use(resource: Resource, room: Room, before: OnMachine, after: OnMachine) -> Use:
    needed = {service: needs.of(resource) for service, needs in before.items()}
    needs_now = {service: needs.of(resource) for service, needs in after.items()}
    fresh = {name: need for name, need in needs_now.items() if name not in room.counted or needed.get(name) != need}
    leaving = {name: uses for name, uses in room.counted.items() if needs_now.get(name) != needed.get(name)}
    stays = left(room.taken, total(leaving.values()))
    return Use(stays + room.others + total(fresh.values()), fresh, leaving)
