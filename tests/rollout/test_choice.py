"""Which instances run on a host, which guests it takes in, why the others are left out, and who starts first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rollout.fleets import Given, fleet, phase, usual

from dockwright.rollout.choice import KIT_PEERS, called, choose, start_order
from dockwright.spec.model import Fleet, Instance

NAMES = (*KIT_PEERS, "Alpha", "Beta", "Gamma", "Delta", "Epsilon")
MACHINES = ("mainpc", "pc2", "pc3")


@st.composite
def fleets(draw: st.DrawFn, *, depends: bool = True) -> Fleet:
    """Fleets that `check` lets pass: who is waited for is implemented, and nobody waits in a circle."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=len(NAMES)))
    made: list[Given] = []
    for name in names:
        machines = draw(st.lists(st.sampled_from(MACHINES), unique=True, min_size=1, max_size=3))
        before = [other.name for other in made if other.own is not None]
        own = {"calls": tuple(draw(st.lists(st.sampled_from(names), unique=True, max_size=3)))}
        if depends and before:
            own["depends"] = tuple(draw(st.lists(st.sampled_from(before), unique=True)))
        implemented, gpu = draw(st.integers(0, 4)) > 0, draw(st.integers(0, 3)) == 0
        made.append(Given(name, tuple(machines), gpu, own=own if implemented else None))
    taken = draw(st.lists(st.sampled_from(names), unique=True)) if names else []
    return fleet(draw(st.permutations(made)), [phase(f"phase-of-{name}", name) for name in taken])


machines, cards = st.sampled_from(MACHINES), st.booleans()


@given(fleets(), machines, cards)
def test_every_instance_is_chosen_or_left_out_exactly_once(made: Fleet, machine: str, gpu: bool) -> None:
    choice = choose(made, machine, gpu=gpu)
    seen = [*choice.instances, *choice.guests, *(entry.instance for entry in choice.left_out)]
    assert sorted(seen) == sorted(made.instances())
    assert all(entry.why for entry in choice.left_out)


@given(fleets(), machines, cards)
def test_what_is_chosen_can_run_here(made: Fleet, machine: str, gpu: bool) -> None:
    choice = choose(made, machine, gpu=gpu)
    assert all(each.service in made.implementations for each in choice.all)
    assert gpu or not any(made.needs_gpu(each.service) for each in choice.all)
    assert len({each.service for each in choice.all}) == len(choice.all), "one container name, one port"
    assert all(each.machine == machine for each in choice.instances)
    assert all(machine not in made.services[each.service].machines for each in choice.guests)


@given(fleets(), machines, cards)
def test_guests_are_those_who_are_called_and_nobody_else(made: Fleet, machine: str, gpu: bool) -> None:
    choice = choose(made, machine, gpu=gpu)
    wanted = {name for each in choice.all for name in called(made, each.service)}
    assert {each.service for each in choice.guests} <= wanted
    possible = {
        name
        for name in wanted & set(made.implementations)
        if machine not in made.services[name].machines and (gpu or not made.needs_gpu(name))
    }
    assert possible == {each.service for each in choice.guests}


@given(fleets(), machines, cards)
def test_who_is_waited_for_starts_first(made: Fleet, machine: str, gpu: bool) -> None:
    choice = choose(made, machine, gpu=gpu)
    ordered = start_order(made, choice.all)
    assert sorted(ordered) == sorted(choice.all)
    place = {each.service: number for number, each in enumerate(ordered)}
    for each in ordered:
        for name in made.implementations[each.service].depends:
            assert place.get(name, -1) < place[each.service]


@given(fleets(depends=False), machines)
def test_where_nobody_waits_the_phases_give_the_order(made: Fleet, machine: str) -> None:
    phases = [each.name for each in made.phases]
    ordered = start_order(made, choose(made, machine, gpu=True).all)
    ranks = [phases.index(taken.name) if (taken := made.phase_of(each)) else len(phases) for each in ordered]
    assert ranks == sorted(ranks)


def test_a_dependency_of_a_later_phase_still_starts_first() -> None:
    made = fleet(
        [Given("Alpha", own={"depends": ("Beta",)}), Given("Beta"), Given("Gamma")],
        [phase("one", "Alpha"), phase("two", "Beta")],
    )
    ordered = start_order(made, made.instances())
    assert [each.service for each in ordered] == ["Beta", "Alpha", "Gamma"]


def test_a_tall_ladder_of_dependencies_is_climbed_once() -> None:
    """Each of two waits for both of the two before: 2 to the 40th ways down."""
    services: list[Given] = []
    for step in range(40):
        below = tuple(f"{side}{step - 1}" for side in "AB") if step else ()
        services += [Given(f"{side}{step}", own={"depends": below}) for side in "AB"]
    made = fleet(reversed(services))
    ordered = start_order(made, made.instances())
    assert [int(each.service[1:]) for each in ordered] == [step for step in range(40) for _ in "AB"]


def test_the_reasons() -> None:
    choice = choose(usual(), "mainpc", gpu=False)
    why = {entry.instance.name: entry.why for entry in choice.left_out}
    assert why == {
        "pc2/SelfHealingSupervisor": "runs on pc2",
        "pc2/UnifiedObservabilityCenter": "runs on pc2",
        "mainpc/Painter": "needs an NVIDIA card, and this host shows none",
        "pc2/Loner": "runs on pc2",
        "mainpc/Future": "not implemented yet",
    }


@pytest.mark.parametrize(("gpu", "runs"), [(True, True), (False, False)])
def test_a_card_lets_gpu_services_run(gpu: bool, runs: bool) -> None:
    choice = choose(usual(), "mainpc", gpu=gpu)
    assert (Instance("Painter", "mainpc") in choice.instances) is runs


def test_guests_come_with_whom_they_call_themselves() -> None:
    made = fleet(
        [
            Given("Alpha", own={"calls": ("Beta",)}),
            Given("Beta", ("pc2", "pc3"), own={"depends": ("Gamma",)}),
            Given("Gamma", ("pc3",), own={"calls": ("Alpha",)}),
            Given("Delta", ("pc2",)),
        ]
    )
    choice = choose(made, "mainpc", gpu=False)
    assert choice.guests == (Instance("Beta", "pc2"), Instance("Gamma", "pc3"))
    assert [entry.instance for entry in choice.left_out] == [Instance("Beta", "pc3"), Instance("Delta", "pc2")]


def test_the_kits_three_are_called_by_everybody() -> None:
    assert called(usual(), "Stranger") == KIT_PEERS
    assert called(usual(), "Caller") == (*KIT_PEERS, "Helper")
    assert called(usual(), "SelfHealingSupervisor") == KIT_PEERS, "a peer is named once"


def test_a_guest_whose_ports_are_taken_here_stays_away() -> None:
    own = {"calls": ("Beta",)}
    made = fleet([Given("Alpha", own=own, ports=(7000, 8000)), Given("Beta", ("pc2",), ports=(8000, 9000))])
    chosen = choose(made, "mainpc", gpu=False)
    assert chosen.guests == ()
    assert ("Beta", "runs on pc2") in [(each.instance.service, each.why) for each in chosen.left_out]
