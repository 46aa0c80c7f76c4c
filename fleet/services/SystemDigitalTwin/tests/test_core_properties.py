"""Whatever the fleet and the change: the answer is true, does not depend on order, and more never fits better."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from random import Random

from core_cases import MACHINES, holds, keys, needs, placements, rooms, settled, spans, worlds
from hypothesis import given
from hypothesis import strategies as st
from system_digital_twin.core.change import Change, apply
from system_digital_twin.core.fit import Answer, World, judge
from system_digital_twin.core.needs import Key, Needs, Placed, Resource, on
from system_digital_twin.core.ports import conflicts
from system_digital_twin.core.room import Room
from system_digital_twin.core.span import Span, left
from system_digital_twin.core.suggest import MOST, WEIGHED, elsewhere, removals
from system_digital_twin.core.weigh import Verdict, weigh

RANK = {Verdict.YES: 0, Verdict.UNKNOWN: 1, Verdict.NO: 2}


def rank(answer: Answer) -> int:
    return RANK[answer.verdict]


def grown(span: Span, more: int) -> Span:
    return Span(span.low + more, None if span.high is None else span.high + more)


@given(worlds(), placements(needs), keys, needs)
def test_adding_never_makes_anything_fit_better(world: World, after: Placed, key: Key, more: Needs) -> None:
    if key in after:
        return
    then = judge(MACHINES, world, {**after, key: more})
    before = judge(MACHINES, world, after)
    assert rank(then) >= rank(before)
    assert all(RANK[new.verdict] >= RANK[old.verdict] for old, new in zip(before.machines, then.machines, strict=True))


@given(worlds(), placements(needs), st.integers(1, 9), st.data())
def test_needing_more_never_makes_anything_fit_better(
    world: World, after: Placed, more: int, data: st.DataObject
) -> None:
    fresh = [key for key in after if key not in world.before]
    if not fresh:
        return
    key = data.draw(st.sampled_from(fresh))
    larger = replace(after[key], memory=grown(after[key].memory, more), gpu_memory=grown(after[key].gpu_memory, more))
    assert rank(judge(MACHINES, world, {**after, key: larger})) >= rank(judge(MACHINES, world, after))


@given(worlds(), placements(needs), st.randoms(use_true_random=False))
def test_order_does_not_matter(world: World, after: Placed, chance: Random) -> None:
    pairs = list(after.items())
    chance.shuffle(pairs)
    old = list(world.before.items())
    chance.shuffle(old)
    assert judge(reversed(MACHINES), replace(world, before=dict(old)), dict(pairs)) == judge(MACHINES, world, after)


@given(worlds(), placements(needs), keys, needs)
def test_removing_undoes_adding(world: World, after: Placed, key: Key, more: Needs) -> None:
    if key in after:
        return
    added = apply(after, Change(put={key: more}))
    undone = apply(added, Change(gone=frozenset({key})))
    assert undone == after
    assert judge(MACHINES, world, undone) == judge(MACHINES, world, after)


@given(worlds(), placements(needs), st.data())
def test_yes_holds_whatever_the_unknown_is_and_no_never_does(world: World, after: Placed, data: st.DataObject) -> None:
    truth, plan = data.draw(settled(world, after))
    for machine in judge(MACHINES, world, after).machines:
        for row in machine.rows:
            room = world.rooms[row.machine][row.resource]
            if room.cells is None:
                asks = any(one.of(row.resource).high != 0 for one in on(after, row.machine).values())
                assert row.verdict is (Verdict.UNKNOWN if asks else Verdict.YES)
            elif row.verdict is not Verdict.UNKNOWN:
                assert holds(world, truth, after, plan, row.machine, row.resource) is (row.verdict is Verdict.YES)


@given(worlds(sure=True), st.data())
def test_with_everything_known_nothing_is_unknown(world: World, data: st.DataObject) -> None:
    after = data.draw(placements(st.sampled_from(sorted(world.before.values(), key=str) or [NONE])))
    for machine in judge(MACHINES, world, after).machines:
        for row in machine.rows:
            assert row.verdict is not Verdict.UNKNOWN
            assert holds(world, world, after, after, row.machine, row.resource) is (row.verdict is Verdict.YES)


@given(worlds(sure=True), st.data())
def test_the_limit_that_is_named_is_the_broken_one(world: World, data: st.DataObject) -> None:
    after = data.draw(placements(st.sampled_from(sorted(world.before.values(), key=str) or [NONE])))
    for machine in judge(MACHINES, world, after).machines:
        broken = {row.resource for row in machine.rows if row.hard and row.verdict is Verdict.NO}
        assert [why.split(" on ")[0] for why in machine.breaks if not why.startswith("port ")] == [
            one for one in Resource if one in broken
        ]
        for row in machine.rows:
            assert row.capacity is not None
            usable = max(0, row.capacity - row.reserve)
            one_cell = len(world.rooms[machine.machine][row.resource].cells or ()) == 1
            if row.verdict is Verdict.NO and one_cell and row.resource is not Resource.CPU:
                assert f"{row.used.low - usable:,} MB too much" in row.why


@given(st.dictionaries(st.sampled_from("ABCDEF"), needs, max_size=6))
def test_port_conflicts_are_all_pairs_that_clash(placed: dict[str, Needs]) -> None:
    claims = [
        (service, kind, port)
        for service, one in placed.items()
        for kind, port in (("port", one.port), ("health_port", one.health_port))
    ]
    clashing = {(one[2], two[0], two[1]) for one in claims for two in claims if one[:2] != two[:2] and one[2] == two[2]}
    found = {(one.port, claim.service, claim.kind) for one in conflicts("m1", placed) for claim in one.claims}
    assert found == clashing


@given(worlds(), placements(needs), st.sets(st.sampled_from("AB")))
def test_removals_make_it_fit_and_nothing_smaller_does(world: World, changed: Placed, kept: set[str]) -> None:
    after = {**world.before, **changed}
    for machine in MACHINES:
        old, new = on(world.before, machine), on(after, machine)
        there = [name for name in new if old.get(name) == new[name] and name not in kept]
        assert len(there) <= WEIGHED, "all sets are tried"
        found = removals(machine, world, after, kept)

        def fits(names: tuple[str, ...], machine: str = machine) -> bool:
            gone = frozenset(Key(name, machine) for name in names)
            return judge([machine], world, apply(after, Change(gone))).verdict is Verdict.YES

        sizes = [size for size in range(MOST + 1) if any(fits(one) for one in combinations(there, size))]
        for one in found:
            assert not kept & set(one.services)
            assert fits(one.services)
            assert len(one.services) == sizes[0]
        if judge([machine], world, after).verdict is Verdict.NO:
            assert bool(found) is bool(sizes)


@given(worlds(), placements(needs))
def test_another_machine_that_is_suggested_holds_it(world: World, changed: Placed) -> None:
    after = {**world.before, **changed}
    for one in elsewhere(set(MACHINES), world, after):
        key = Key(one.service, one.instead_of)
        change = Change(frozenset({key}), {Key(one.service, one.machine): after[key]})
        assert key not in world.before or world.before[key] != after[key]
        assert judge(MACHINES, world, apply(after, change)).verdict is Verdict.YES


@given(rooms(["A"], spans, False), needs)
def test_nothing_breaks_where_nothing_is(room: Room, one: Needs) -> None:
    room = replace(room, others=Span(0, 0))
    found = weigh("m1", Resource.MEMORY, room, {"A": one}, {}, 3)
    assert found.verdict is Verdict.YES


@given(st.integers(0, 50), spans)
def test_no_more_goes_than_was_there(taken: int, freed: Span) -> None:
    rest = left(taken, freed)
    assert rest.high is not None
    assert 0 <= rest.low <= rest.high <= taken


NONE = Needs(Span(0, 0), Span(0, 0), Span(0, 0), Span(0, 0), 1, 2)
