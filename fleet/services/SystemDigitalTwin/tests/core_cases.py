"""Random fleets for the properties of the core, and a plain judge that knows every amount."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

from hypothesis import strategies as st
from system_digital_twin.core.fit import World
from system_digital_twin.core.needs import Key, Needs, Placed, Resource, on
from system_digital_twin.core.room import Cell, Room
from system_digital_twin.core.span import Span, exactly

MACHINES = ("m1", "m2")
SERVICES = ("A", "B", "C", "D", "E")
amounts = st.integers(0, 12)
known = amounts.map(exactly)
spans = known | st.builds(lambda low, more: Span(low, None if more > 8 else low + more), amounts, amounts)
keys = st.builds(Key, st.sampled_from(SERVICES), st.sampled_from(MACHINES))


def needs_from(one: st.SearchStrategy[Span]) -> st.SearchStrategy[Needs]:
    # Most ports are apart, so that it is not always they that break.
    ports = st.integers(1, 60)
    return st.builds(Needs, one, one, one, one, ports, ports)


needs = needs_from(spans)
known_needs = needs_from(known)


def placements(one: st.SearchStrategy[Needs]) -> st.SearchStrategy[dict[Key, Needs]]:
    return st.dictionaries(keys, one, max_size=8)


@st.composite
def rooms(draw: st.DrawFn, services: list[str], one: st.SearchStrategy[Span], sure: bool) -> Room:
    cells = draw(st.lists(st.builds(Cell, st.integers(0, 30), st.integers(0, 15)), max_size=3 if not sure else 1))
    counted = {name: draw(one) for name in services if draw(st.booleans())}
    if not sure and draw(st.integers(0, 9)) == 0:
        return Room(None, "it is not known", counted)
    others = len(cells) < 2 and draw(st.integers(0, 3)) == 0  # who they are is untold of declared machines: one card
    return Room(tuple(cells), "", counted, draw(one) if others else exactly(0))


@st.composite
def worlds(draw: st.DrawFn, sure: bool = False) -> World:
    """`sure`: every amount is known, and there is one card at most."""
    before = draw(placements(known_needs if sure else needs))
    there = {
        machine: {
            resource: draw(rooms(sorted(on(before, machine)), known if sure else spans, sure)) for resource in Resource
        }
        for machine in MACHINES
    }
    return World(before, there, {resource: draw(st.integers(0, 4)) for resource in Resource})


def settle(draw: st.DrawFn, span: Span) -> int:
    """One of the amounts that it may be."""
    most = span.low + 20 if span.high is None else span.high
    return draw(st.sampled_from([span.low, most]) | st.integers(span.low, most))  # what is wrong is wrong at an end


@st.composite
def settled(draw: st.DrawFn, world: World, after: Placed) -> tuple[World, dict[Key, Needs]]:
    """A world and a plan in which every amount is known, as they may be in truth. Unknown cells stay unknown."""
    chosen: dict[tuple[Key, Needs], Needs] = {}

    def needs_of(key: Key, found: Needs) -> Needs:
        if (key, found) not in chosen:
            memory, gpu, disk, cpu = (exactly(settle(draw, found.of(resource))) for resource in Resource)
            chosen[key, found] = Needs(memory, gpu, disk, cpu, found.port, found.health_port)
        return chosen[key, found]

    def room_of(room: Room) -> Room:
        counted = {name: exactly(settle(draw, span)) for name, span in room.counted.items()}
        return replace(room, counted=counted, others=exactly(settle(draw, room.others)))

    there = {machine: {one: room_of(room) for one, room in found.items()} for machine, found in world.rooms.items()}
    before = {key: needs_of(key, found) for key, found in world.before.items()}
    return replace(world, before=before, rooms=there), {key: needs_of(key, found) for key, found in after.items()}


def holds(world: World, truth: World, plan: Placed, settled_plan: Placed, machine: str, resource: Resource) -> bool:
    """Whether the machine holds it in truth: by adding up, and by trying every card for every need.

    What an instance's need is compared with is the plan as it was asked, not the truth: an unchanged need is the same
    need, whatever it is.
    """
    room, asked = truth.rooms[machine][resource], world.rooms[machine][resource]
    assert room.cells is not None
    asked_before, asked_after = on(world.before, machine), on(plan, machine)
    amounts_after = {name: one.of(resource).low for name, one in on(settled_plan, machine).items()}
    if asked.others.high == 0 and all(one.of(resource).high == 0 for one in asked_after.values()):
        return True

    def same(name: str) -> bool:
        old, new = asked_before.get(name), asked_after.get(name)
        return old is not None and new is not None and old.of(resource) == new.of(resource)

    stays = {name for name in room.counted if same(name)}
    freed = sum(span.low for name, span in room.counted.items() if name not in stays and name in asked_before)
    fresh = {name: amount for name, amount in amounts_after.items() if name not in stays}
    if len(room.cells) > 1:
        return placeable(room.cells, world.reserve[resource], list(fresh.values()), freed)
    usable = sum(max(0, cell.capacity - world.reserve[resource]) for cell in room.cells)
    return max(0, room.taken - freed) + room.others.low + sum(fresh.values()) <= usable


def placeable(cells: Sequence[Cell], reserve: int, fresh: list[int], freed: int) -> bool:
    """Whether each need finds a card, when what becomes free does so where it helps the most."""
    usable = [max(0, cell.capacity - reserve) for cell in cells]
    for choice in product(range(len(cells)), repeat=len(fresh)):
        loads = [sum(need for at, need in zip(choice, fresh, strict=True) if at == card) for card in range(len(cells))]
        loaded = [card for card, load in enumerate(loads) if load]
        wanted = [max(0, cells[card].taken + loads[card] - usable[card]) for card in loaded]
        if all(loads[card] <= usable[card] for card in loaded) and sum(wanted) <= freed:
            return True
    return False
